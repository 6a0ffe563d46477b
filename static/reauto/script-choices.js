/** Choices that depend on the rest of the script: which objection, and after which answer. */

const own = (item, name) =>
  item.querySelector(`[name="${CSS.escape(`${item.dataset.item}.${name}`)}"]`);
const items = (form, list) => {
  const holder = form.querySelector(`[data-list="${CSS.escape(list)}"]`);
  return holder ? [...holder.children].filter((item) => item.dataset.item) : [];
};
const HOMES = ["house", "condo", "apartment", "townhouse", "multi_family", "mobile_home", "land"];
const NUMBERS = ["months", "money", "rent", "count"];

function fill(select, first, names) {
  const chosen = select.value;
  const missing = chosen && !names.includes(chosen) ? [chosen] : [];
  const options = [["", first], ...[...names, ...missing].map((name) => [name, name.replaceAll("_", " ")])];
  select.replaceChildren(
    ...options.map(([value, label]) => new Option(label, value, false, value === chosen)),
  );
}

/** Offer the objections there are wherever an answer can be one. */
export function showObjections(form, slug) {
  const names = items(form, "objections").map((item) => slug(own(item, "key").value)).filter(Boolean);
  for (const select of form.querySelectorAll("[data-objections]")) fill(select, "No objection", names);
}

function answersOf(question, slug) {
  const type = own(question, "type").value;
  if (type === "yes_no") return ["yes", "no"];
  if (type === "property") return HOMES;
  if (type !== "choice") return [];
  const options = items(question.closest("form"), `${question.dataset.item}.options`);
  const names = options.map((option) => slug(own(option, "value").value)).filter(Boolean);
  return own(question, "other").checked || own(question, "other").type === "hidden" ? [...names, "other"] : names;
}

/** Offer the earlier questions, and their answers, to every follow-up. */
export function showConditions(form, slug) {
  const earlier = [];
  for (const question of items(form, "questions")) {
    showCondition(question.querySelector("[data-condition]"), earlier, slug);
    const name = slug(own(question, "slot").value);
    if (name) earlier.push([name, question]);
  }
}

function showCondition(row, earlier, slug) {
  const select = row.querySelector("[data-earlier]");
  const before = slug(select.value);
  if (select.value !== before) {
    select.selectedOptions[0].value = before;
    select.value = before;
  }
  fill(select, "Always asked", earlier.map(([name]) => name));
  const question = earlier.find(([name]) => name === select.value)?.[1];
  const type = question ? own(question, "type").value : "";
  const words = row.querySelector(".condition-words");
  const numbers = row.querySelector(".condition-numbers");
  words.hidden = !select.value || NUMBERS.includes(type);
  numbers.hidden = !NUMBERS.includes(type);
  const typed = words.querySelector("input");
  if (numbers.hidden) for (const number of numbers.querySelectorAll("input")) number.value = "";
  if (words.hidden) typed.value = "";
  offerAnswers(words, typed, question ? answersOf(question, slug) : [], slug);
}

function offerAnswers(words, typed, answers, slug) {
  const checks = words.querySelector("[data-answers]");
  checks.hidden = !answers.length;
  typed.hidden = answers.length > 0;
  const chosen = typed.value.split(",").map(slug).filter(Boolean);
  const all = [...answers, ...chosen.filter((name) => answers.length && !answers.includes(name))];
  checks.replaceChildren(
    ...all.map((name) => {
      const label = document.createElement("label");
      const box = document.createElement("input");
      box.type = "checkbox";
      box.checked = chosen.includes(name);
      box.addEventListener("change", () => {
        const now = [...checks.querySelectorAll("label")].filter((each) => each.firstChild.checked);
        typed.value = now.map((each) => each.dataset.answer).join(", ");
      });
      label.dataset.answer = name;
      label.append(box, ` ${name.replaceAll("_", " ")}`);
      return label;
    }),
  );
}
