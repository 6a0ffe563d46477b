/** The lines of a call: lights the one that plays, and grows while the call is live. */
const EVERY_MS = 1000;

export class Transcript {
  constructor(list, onSeek) {
    this.list = list;
    this.lit = null;
    list.addEventListener("click", (event) => {
      const line = event.target.closest(".turn");
      // Selecting words to copy them is not a wish to hear them, nor is looking at answer times.
      if (line && !event.target.closest("details") && !String(window.getSelection())) onSeek(Number(line.dataset.start));
    });
  }

  get lines() {
    return [...this.list.querySelectorAll(".turn")];
  }

  /** Light the last line that began at or before a moment, ms. */
  light(ms, scroll) {
    let current = null;
    for (const line of this.lines) {
      const start = Number(line.dataset.start);
      if (start <= ms && ms <= Number(line.dataset.end) + 400) current = line;
    }
    if (current === this.lit) return;
    this.lit?.classList.remove("turn-now");
    this.lit?.removeAttribute("aria-current");
    current?.classList.add("turn-now");
    current?.setAttribute("aria-current", "true");
    this.lit = current;
    if (current && scroll) current.scrollIntoView({ block: "nearest", behavior: "smooth" });
  }

  /** Return where the line before (-1) or after (1) a moment begins, ms; null without one. */
  neighbour(ms, step) {
    const starts = this.lines.map((line) => Number(line.dataset.start)).sort((a, b) => a - b);
    if (step > 0) return starts.find((start) => start > ms + 50) ?? null;
    return starts.filter((start) => start < ms - 700).pop() ?? starts[0] ?? null;
  }

  point(index) {
    const line = this.list.querySelector(`#turn-${index}`);
    if (!line) return null;
    line.scrollIntoView({ block: "center", behavior: "smooth" });
    line.classList.add("turn-pointed");
    setTimeout(() => line.classList.remove("turn-pointed"), 1600);
    return Number(line.dataset.start);
  }

  /** Put a turn where its index belongs; more of a turn already shown replaces it. */
  put(turn) {
    const holder = document.createElement("template");
    holder.innerHTML = turn.html.trim();
    const line = holder.content.firstElementChild;
    const known = this.list.querySelector(`#turn-${turn.index}`);
    if (known) {
      // What the viewer has opened stays open.
      if (known.querySelector("details[open]")) line.querySelector("details")?.setAttribute("open", "");
      if (known.outerHTML !== line.outerHTML) known.replaceWith(line);
      return;
    }
    const after = this.lines.find((other) => Number(other.dataset.index) > turn.index);
    this.list.insertBefore(line, after ?? null);
  }
}

/** Ask for new turns every second until the call has ended, then call `ended`. */
export function follow(address, transcript, { changed, ended }) {
  let last = Math.max(0, ...transcript.lines.map((line) => Number(line.dataset.index)));
  const ask = async () => {
    try {
      // The last lines may still grow: ask for them again.
      const answer = await fetch(`${address}?from=${Math.max(0, last - 1)}`, {
        credentials: "same-origin",
      });
      if (!answer.ok) throw new Error(String(answer.status));
      const news = await answer.json();
      for (const turn of news.turns) {
        transcript.put(turn);
        last = Math.max(last, turn.index);
      }
      changed(news);
      if (!news.live) {
        ended();
        return;
      }
    } catch {
      changed(null);
    }
    setTimeout(ask, EVERY_MS);
  };
  ask();
}
