/** A microphone's sound over WebRTC: one offer over HTTP, one answer, and sound by RTP. */

const CONNECTING = 4000; // ms: whoever waits longer is better served by the WebSocket
const GATHERING = 1000; // ms for our own addresses; those found later are rarely needed

/** Why there is no WebRTC, in words. */
export class NoCall extends Error {}

/** Whether this browser could. */
export function possible() {
  return "RTCPeerConnection" in window;
}

export class Call {
  /** Send this track. `broken()` is told once, should it fail later. Throws NoCall. */
  static async open({ address, key, track, broken }) {
    const call = new Call();
    call.broken = broken;
    call.key = key;
    try {
      await call.connect(address, track);
    } catch (error) {
      call.close();
      throw error instanceof NoCall ? error : new NoCall(error.message || String(error));
    }
    call.peer.onconnectionstatechange = () => call.changed();
    return call;
  }

  async connect(address, track) {
    this.peer = new RTCPeerConnection();
    const until = performance.now() + CONNECTING;
    this.peer.addTransceiver(track, { direction: "sendonly" });
    await this.peer.setLocalDescription(await this.peer.createOffer());
    await this.gathered();
    const answer = await fetch(address, {
      method: "POST",
      headers: { Authorization: `Bearer ${this.key}`, "Content-Type": "application/sdp" },
      body: this.peer.localDescription.sdp,
      signal: timeout(until - performance.now()),
    });
    const text = await answer.text();
    if (answer.status !== 201) throw new NoCall(text.trim() || `the server answered ${answer.status}`);
    this.location = answer.headers.get("Location");
    await this.peer.setRemoteDescription({ type: "answer", sdp: text });
    await this.connected(until - performance.now());
  }

  gathered() {
    return new Promise((resolve) => {
      if (this.peer.iceGatheringState === "complete") resolve();
      setTimeout(resolve, GATHERING);
      this.peer.onicegatheringstatechange = () => {
        if (this.peer.iceGatheringState === "complete") resolve();
      };
    });
  }

  connected(patience) {
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new NoCall("no way through the network in 4 s")), patience);
      this.peer.onconnectionstatechange = () => {
        if (this.peer.connectionState === "connected") {
          clearTimeout(late);
          resolve();
        } else if (this.peer.connectionState === "failed") {
          clearTimeout(late);
          reject(new NoCall("no way through the network"));
        }
      };
      this.peer.onconnectionstatechange();
    });
  }

  changed() {
    clearTimeout(this.hoping);
    const { connectionState: state } = this.peer;
    if (state === "failed") this.fail();
    if (state === "disconnected") this.hoping = setTimeout(() => this.fail(), CONNECTING);
  }

  fail() {
    const { broken } = this;
    this.close();
    broken();
  }

  /** No more sound; the server is told. */
  close() {
    clearTimeout(this.hoping);
    const { peer, location } = this;
    if (peer) peer.onconnectionstatechange = null;
    const end = () => peer && peer.close();
    this.location = null;
    if (!location) return end();
    const headers = { Authorization: `Bearer ${this.key}` };
    return fetch(location, { method: "DELETE", headers, keepalive: true }).then(end, end);
  }
}

/** AbortSignal.timeout, which older phones lack. */
function timeout(ms) {
  const controller = new AbortController();
  setTimeout(() => controller.abort(), Math.max(0, ms));
  return controller.signal;
}
