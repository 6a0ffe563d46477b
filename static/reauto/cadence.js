// Presets of the cadence: a button fills the table, nothing is saved until the form is.
"use strict";

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-preset]");
  if (!button) return;
  const box = button.closest(".cadence");
  const presets = JSON.parse(document.getElementById("cadence-presets").textContent);
  const sizes = { days: 1440, h: 60, min: 1 };
  for (const [kind, rule] of Object.entries(presets[button.dataset.preset])) {
    const input = (what) => box.querySelector(`[name="${box.dataset.name}-${kind}-${what}"]`);
    const unit = Object.keys(sizes).find((name) => rule.gap_minutes % sizes[name] === 0);
    input("gap").value = rule.gap_minutes / sizes[unit];
    input("unit").value = unit;
    input("other_part").checked = rule.other_part;
    input("most").value = rule.most;
  }
});
