/** When the next paid minute of a live call begins, counted down. */
import { clock } from "./clock.js";

export function tellNextMinutes(place) {
  for (const line of place.querySelectorAll("[data-next]")) {
    const until = line.querySelector("[data-until]");
    if (until) until.textContent = clock(Math.max(0, Number(line.dataset.next) - Date.now() / 1000));
  }
}
