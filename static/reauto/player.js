/** Plays a recording locked to its transcript. Times of turns are ms in the media stream. */
import { clock } from "./clock.js";
import { Waveform } from "./waveform.js";

const STEP_S = 5;

export class Player {
  constructor(page, transcript) {
    this.sound = page.querySelector("#sound");
    this.transcript = transcript;
    this.offset = Number(page.dataset.offset || 0) / 1000;
    this.play = page.querySelector("#play");
    this.now = page.querySelector("#now");
    this.slider = page.querySelector("#wave");
    this.wave = new Waveform(this.slider, page.querySelector("#wave-canvas"));
    this.length = Number(this.slider.ariaValueMax || 0) / 1000;
    this.listen(page);
    this.load(page.dataset.outline);
  }

  async load(address) {
    const answer = await fetch(address, { credentials: "same-origin" });
    if (!answer.ok) return;
    const outline = await answer.json();
    if (outline.duration_ms) this.length = outline.duration_ms / 1000;
    this.wave.show(outline);
  }

  listen(page) {
    this.play.addEventListener("click", () => this.toggle());
    this.sound.addEventListener("play", () => this.playing(true));
    this.sound.addEventListener("pause", () => this.playing(false));
    this.sound.addEventListener("seeked", () => this.follow());
    this.sound.addEventListener("ended", () => this.follow());
    page.querySelector("#speed").addEventListener("change", (event) => {
      this.sound.playbackRate = Number(event.target.value);
    });
    const jump = (event) => {
      const box = this.slider.getBoundingClientRect();
      this.seek(((event.clientX - box.left) / box.width) * this.length);
    };
    this.slider.addEventListener("pointerdown", (event) => {
      this.slider.setPointerCapture(event.pointerId);
      jump(event);
    });
    this.slider.addEventListener("pointermove", (event) => {
      if (this.slider.hasPointerCapture(event.pointerId)) jump(event);
    });
    document.addEventListener("keydown", (event) => this.key(event));
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest("input, select, textarea, [contenteditable], summary, dialog")) return;
    const onButton = event.target.closest("button, a");
    if (event.key === " " && !onButton) this.toggle();
    else if (event.key === "ArrowLeft") this.seek(this.sound.currentTime - STEP_S);
    else if (event.key === "ArrowRight") this.seek(this.sound.currentTime + STEP_S);
    else if (event.key === "ArrowUp") this.line(-1);
    else if (event.key === "ArrowDown") this.line(1);
    else return;
    event.preventDefault();
  }

  start() {
    // A pause that comes before the first sound ends the attempt with AbortError: as asked.
    this.sound.play().catch((error) => {
      if (error.name !== "AbortError") throw error;
    });
  }

  toggle() {
    if (this.sound.paused) this.start();
    else this.sound.pause();
  }

  playing(on) {
    this.play.textContent = on ? "❚❚" : "▶";
    this.play.setAttribute("aria-label", on ? "Pause" : "Play");
    if (on) requestAnimationFrame(() => this.frame());
    this.follow();
  }

  frame() {
    this.follow();
    if (!this.sound.paused) requestAnimationFrame(() => this.frame());
  }

  follow() {
    const at = this.sound.currentTime;
    this.now.textContent = clock(at);
    this.slider.setAttribute("aria-valuenow", String(Math.round(at * 1000)));
    this.slider.setAttribute("aria-valuetext", clock(at));
    this.wave.move(this.length ? Math.min(1, at / this.length) : 0);
    this.transcript.light((at + this.offset) * 1000, !this.sound.paused);
  }

  seek(seconds) {
    this.sound.currentTime = Math.max(0, Math.min(seconds, this.length || seconds));
  }

  /** Go to a moment of the media stream, ms, and play on from there. */
  playFrom(ms) {
    this.seek(ms / 1000 - this.offset);
    this.start();
  }

  line(step) {
    const at = (this.sound.currentTime + this.offset) * 1000;
    const start = this.transcript.neighbour(at, step);
    if (start !== null) this.seek(start / 1000 - this.offset);
  }
}
