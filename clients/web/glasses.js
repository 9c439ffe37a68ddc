/** Glasses are for looking through: words go some time after the last came. */

const QUIET = 8000; // ms

export class Glass {
  constructor(view) {
    this.view = view;
    this.timer = null;
  }

  /** Words have come. */
  words() {
    clearTimeout(this.timer);
    this.view.classList.remove("quiet-now");
    this.timer = setTimeout(() => this.view.classList.add("quiet-now"), QUIET);
  }
}
