/** The review page of a call: transcript, player, and the live feed while it is on the line. */
import { clock } from "./clock.js";
import { tellNextMinutes } from "./next-minute.js";
import { Player } from "./player.js";
import { Transcript, follow } from "./transcript.js";

const page = document.querySelector("#call-review");
let player = null;
const hear = (ms) => player?.playFrom(ms);
const transcript = new Transcript(page.querySelector("#transcript"), hear);

if (page.dataset.outline) player = new Player(page, transcript);

page.querySelector(".review-side").addEventListener("click", (event) => {
  const quote = event.target.closest("[data-turn]");
  const moment = event.target.closest("[data-seek]");
  if (quote) {
    const start = transcript.point(quote.dataset.turn);
    if (start !== null) hear(start);
  } else if (moment) hear(Number(moment.dataset.seek));
});

for (const button of page.querySelectorAll("[data-copy]")) {
  button.addEventListener("click", async () => {
    await navigator.clipboard?.writeText(button.dataset.copy);
    button.textContent = "copied";
  });
}

tellNextMinutes(page);
if (page.dataset.live === "true") {
  const state = page.querySelector("#live-state");
  follow(page.dataset.transcript, transcript, {
    changed(news) {
      state.classList.toggle("pill-lost", news === null);
      if (news === null) {
        state.textContent = "Connection lost, trying again …";
        return;
      }
      state.textContent = news.active ? `● Live: ${news.state}` : "Ended, being written up";
      page.querySelector("#call-seconds").textContent = clock(news.seconds);
      page.querySelector("#call-cost").textContent = news.cost;
      const next = page.querySelector("#next-minute");
      if (next) {
        if (news.next_at) next.dataset.next = news.next_at;
        else delete next.dataset.next;
        next.innerHTML = news.active ? news.next_minute : "";
        tellNextMinutes(page);
      }
      page.querySelector("#no-words").hidden = transcript.lines.length > 0;
    },
    // The ended call has a recording, a score and its costs: show them.
    ended: () => location.reload(),
  });
}
