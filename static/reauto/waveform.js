/** Draws the two channels of a call: the lead above, the agent below, the played part in full. */
const GAP = 4;

export class Waveform {
  constructor(box, canvas) {
    this.box = box;
    this.canvas = canvas;
    this.outline = null;
    this.position = 0;
    new ResizeObserver(() => this.draw()).observe(box);
    // Unfold switches themes by a class on <html>.
    new MutationObserver(() => this.draw()).observe(document.documentElement, {
      attributeFilter: ["class"],
    });
  }

  show(outline) {
    this.outline = outline;
    this.draw();
  }

  /** Move the played part to a share of 0-1. */
  move(share) {
    this.position = share;
    this.draw();
  }

  draw() {
    const { width, height } = this.box.getBoundingClientRect();
    const density = window.devicePixelRatio || 1;
    this.canvas.width = Math.round(width * density);
    this.canvas.height = Math.round(height * density);
    const pen = this.canvas.getContext("2d");
    pen.scale(density, density);
    if (!this.outline || !width) return;
    const style = getComputedStyle(this.box);
    const rows = this.outline.channels;
    const rowHeight = (height - GAP * (rows.length - 1)) / rows.length;
    const colours = ["--wave-lead", "--wave-agent"].map((name) => style.getPropertyValue(name));
    const bars = Math.floor(width / 3);
    const played = Math.round(this.position * bars);
    // Telephone speech is quiet: the loudest sample of the call fills its row.
    const loudest = Math.max(1, ...rows.map((peaks) => Math.max(0, ...peaks)));
    rows.forEach((peaks, row) => {
      const middle = row * (rowHeight + GAP) + rowHeight / 2;
      for (let bar = 0; bar < bars; bar += 1) {
        const from = Math.floor((bar * peaks.length) / bars);
        const to = Math.max(from + 1, Math.floor(((bar + 1) * peaks.length) / bars));
        const peak = Math.max(0, ...peaks.slice(from, to));
        const size = Math.max(1.5, Math.sqrt(peak / loudest) * rowHeight * 0.92);
        pen.fillStyle = colours[row % colours.length];
        pen.globalAlpha = bar < played ? 1 : 0.42;
        pen.fillRect(bar * 3, middle - size / 2, 2, size);
      }
    });
    pen.globalAlpha = 1;
    pen.fillStyle = style.getPropertyValue("--wave-cursor");
    pen.fillRect(Math.min(width - 2, this.position * width), 0, 2, height);
  }
}
