/** The microphone: which there are, what one hears, and in words what to do when there is none. */

const WISHES = { channelCount: 1, echoCancellation: true, noiseSuppression: true, autoGainControl: true };

/** A sentence for people. */
export class NoMicrophone extends Error {}

/** The microphones there are, [{id, name}]; the names only once one was allowed. */
export async function devices() {
  if (!navigator.mediaDevices) return [];
  const found = await navigator.mediaDevices.enumerateDevices();
  return found
    .filter((device) => device.kind === "audioinput" && device.deviceId)
    .map((device, index) => ({
      id: device.deviceId,
      name: device.label || `microphone ${index + 1}`,
    }));
}

export class Microphone {
  /**
   * Use the one of that id ("" for the browser's choice). `frame(pcm)` gets an Int16Array of 20 ms at
   * 16 kHz, `level(dbfs)` how loud it was, `gone(sentence)` is told once when it is unplugged.
   * Throws NoMicrophone.
   */
  static async open(id, { frame, level, gone }) {
    if (!navigator.mediaDevices || !navigator.mediaDevices.getUserMedia) {
      throw new NoMicrophone(insecure());
    }
    const microphone = new Microphone();
    Object.assign(microphone, { frame, level });
    try {
      const wishes = id ? { ...WISHES, deviceId: { exact: id } } : WISHES;
      microphone.stream = await navigator.mediaDevices.getUserMedia({ audio: wishes });
      [microphone.track] = microphone.stream.getAudioTracks();
      microphone.track.onended = () => gone("The microphone is gone. Plug it in again, or choose another.");
      await microphone.listen();
    } catch (error) {
      microphone.close();
      if (id && error.name === "OverconstrainedError") return Microphone.open("", { frame, level, gone });
      throw new NoMicrophone(reason(error));
    }
    return microphone;
  }

  async listen() {
    const Context = window.AudioContext || window.webkitAudioContext;
    this.context = new Context({ latencyHint: "interactive" });
    if (!this.context.audioWorklet) {
      throw new NoMicrophone("This browser is too old to speak with. You can read along.");
    }
    await this.context.audioWorklet.addModule("/page/worklet.js");
    const source = this.context.createMediaStreamSource(this.stream);
    const frames = new AudioWorkletNode(this.context, "frames", { numberOfOutputs: 0 });
    frames.port.onmessage = ({ data }) => {
      this.level(20 * Math.log10(Math.max(data.level, 1e-5)));
      this.frame(data.pcm);
    };
    source.connect(frames);
    this.context.onstatechange = () => this.resume(); // phones pause it for a call
    await this.resume();
  }

  async resume() {
    if (this.context.state === "suspended" || this.context.state === "interrupted") {
      await this.context.resume().catch(() => {});
    }
  }

  /** The id of the device it is, to be asked for again. */
  get id() {
    return this.track.getSettings().deviceId || "";
  }

  close() {
    if (this.track) this.track.onended = null;
    if (this.stream) for (const track of this.stream.getTracks()) track.stop();
    if (this.context) {
      this.context.onstatechange = null;
      this.context.close().catch(() => {});
    }
  }
}

function insecure() {
  return window.isSecureContext
    ? "This browser has no microphone for pages. You can read along."
    : "Browsers give a microphone only to pages that came over HTTPS. Ask whoever runs this server to " +
        "start it with --tls auto, and open the https address it prints. You can read along without.";
}

function reason(error) {
  if (error instanceof NoMicrophone) return error.message;
  switch (error.name) {
    case "NotAllowedError":
      return (
        "The microphone was not allowed. Allow it by the sign beside the page's address, then try " +
        "again. You can read along without."
      );
    case "NotFoundError":
      return "There is no microphone here. Plug one in and try again, or read along without.";
    case "NotReadableError":
      return "Another program holds the microphone, or it is switched off. Close that one and try again.";
    default:
      return `The microphone cannot be used: ${error.message || error.name}`;
  }
}
