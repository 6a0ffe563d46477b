/** What a rehearsal shows, by text or by voice: the talk, and what the agent makes of it. */

const at = (id) => document.getElementById(id);
const make = (tag, className, text = "") => {
  const element = document.createElement(tag);
  element.className = className;
  element.textContent = text;
  return element;
};

export const pretend = at("pretend");
let known = new Map();

/** Return whom the agent is to believe to be talking to. */
export function lead() {
  const { first_name, business, time_zone, recorded, spoken_before, taken, who_calls, person } = pretend.elements;
  return {
    first_name: first_name.value,
    business: business.value,
    time_zone: time_zone.value,
    recorded: recorded.checked,
    spoken_before: spoken_before.checked,
    taken: taken.checked,
    who_calls: who_calls.value,
    ...(person && { person: person.value }),
  };
}

export function clear() {
  at("try-transcript").replaceChildren();
  at("slots").replaceChildren(make("li", "quiet", "Nothing yet."));
  for (const id of ["agent", "preview", "factors-card", "summary-card", "try-notice"]) at(id).hidden = true;
  at("score").textContent = "–";
  at("score-bar").style.width = "0";
  at("why").textContent = "";
  at("try-empty").hidden = true;
  known = new Map();
}

function append(element) {
  at("try-transcript").append(element);
  toTheEnd();
}

function toTheEnd() {
  const transcript = at("try-transcript");
  transcript.scrollTop = transcript.scrollHeight;
}

/** Add a turn, or give the one that has the key already other words. Without a key, what the agent
 * says in one go is one turn. */
export function turn(who, text, { key = null, marks = [] } = {}) {
  const last = at("try-transcript").lastElementChild;
  const goesOn = key === null && who === "agent" && last?.matches(".turn-agent");
  let bubble = goesOn ? last : key === null ? null : at(key);
  if (goesOn) text = `${last.querySelector(".turn-text").textContent} ${text}`;
  if (!bubble) {
    bubble = make("article", `turn turn-${who}`);
    if (key !== null) bubble.id = key;
    bubble.append(make("p", "turn-text"), make("p", "turn-marks"));
    append(bubble);
  }
  bubble.querySelector(".turn-text").textContent = text;
  bubble.querySelector(".turn-marks").replaceChildren(...marks.map((mark) => make("span", "mark mark-quiet", mark)));
  toTheEnd();
}

export function note(text) {
  append(make("p", "try-note", text));
}

export function notice(text) {
  at("try-notice").textContent = text;
  at("try-notice").hidden = !text;
}

export function speaking(agent, why) {
  at("agent").textContent = agent.replaceAll("_", " ");
  at("agent").hidden = !agent;
  at("why").textContent = why;
}

function slotItem(slot) {
  const item = document.createElement("li");
  const body = make("span", "");
  body.append(make("span", "name", slot.name));
  if (slot.value) body.append(" ", make("span", "value", slot.value));
  else if (slot.skipped) body.append(" ", make("span", "quiet", "left open"));
  if (slot.said) body.append(make("small", "", `“${slot.said}”`));
  item.append(make("span", "slot-mark", slot.value ? "✓" : slot.required ? "○" : "·"), body);
  item.title = slot.required ? "Needed to qualify" : "";
  if (slot.value && known.get(slot.slot) !== slot.value) item.classList.add("fresh");
  return item;
}

export function state({ slots, score, factors, outcome, summary }, ended) {
  at("slots").replaceChildren(...slots.map(slotItem));
  known = new Map(slots.map((slot) => [slot.slot, slot.value]));
  at("score").textContent = score;
  at("score-bar").style.width = `${score}%`;
  at("factors").replaceChildren(
    ...factors.map(({ name, value, points }) => {
      const item = document.createElement("li");
      item.append(
        make("span", points < 0 ? "points points-minus" : "points", points > 0 ? `+${points}` : String(points)),
        make("span", "", `${name}: ${value}`),
      );
      return item;
    }),
  );
  at("factors-card").hidden = !factors.length;
  at("summary-card").hidden = !ended;
  at("summary").textContent = summary;
  at("preview").hidden = true;
  if (ended && outcome) note(`The call came to: ${outcome}.`);
}

export function preview({ slots, score }) {
  const heard = slots.map((slot) => `${slot.name}: ${slot.value}`).join(", ");
  at("preview").hidden = !heard;
  at("preview").textContent = heard ? `Would be understood as ${heard}. Score ${score}.` : "";
}
