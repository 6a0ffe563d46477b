/** A free time that is pressed fills in the form. */
const form = document.querySelector("#book-form");

for (const offer of form.querySelectorAll("[data-at]")) {
  offer.addEventListener("click", () => {
    form.elements.rep.value = offer.dataset.rep;
    form.elements.starts_at.value = offer.dataset.at;
    const lengths = [...form.elements.minutes.options].map((option) => option.value);
    if (lengths.includes(offer.dataset.minutes)) form.elements.minutes.value = offer.dataset.minutes;
    for (const other of form.querySelectorAll("[data-at]")) {
      other.setAttribute("aria-pressed", String(other === offer));
    }
    form.querySelector("[type=submit]").focus();
  });
}
