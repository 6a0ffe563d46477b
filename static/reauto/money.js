/** Amounts as the account writes them; `form` is what billing.policy.money_format reads. */
export function writer(form) {
  return (value) => {
    const places = Math.abs(value) < 10 && Math.abs(value * 100 - Math.round(value * 100)) > 1e-7 ? 4 : 2;
    const [whole, decimals] = Math.abs(value).toFixed(places).split(".");
    const grouped = whole.replace(/\B(?=(\d{3})+$)/g, form.thousands);
    return `${value < 0 ? "-" : ""}${form.before}${grouped}${form.decimal}${decimals}${form.after}`;
  };
}
