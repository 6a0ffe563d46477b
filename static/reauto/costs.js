// Draws spend per day in stacked bars, and again when the theme changes. A bar leads to its charges.
import { writer } from './money.js';

const data = JSON.parse(document.getElementById('chart-data')?.textContent ?? 'null');
// Told apart by people who do not see all colours (Okabe and Ito, "Color Universal Design").
const COLOURS = ['#0072b2', '#e69f00', '#009e73', '#cc79a7', '#56b4e9', '#d55e00', '#b8a600', '#7f7f7f', '#8c6bb1'];
const money = data && writer(data.money);
const charts = [];

function draw(name) {
  const canvas = document.getElementById(`chart-${name}`);
  const style = getComputedStyle(canvas.closest('.desk'));
  const [text, line] = ['--text', '--line'].map((variable) => style.getPropertyValue(variable).trim());
  return new window.Chart(canvas, {
    type: 'bar',
    data: {
      labels: data.days,
      datasets: data[name].map(({ label, values }, index) => ({
        label, data: values, backgroundColor: COLOURS[index % COLOURS.length], maxBarThickness: 48,
      })),
    },
    options: {
      animation: false,
      maintainAspectRatio: false,
      color: text,
      interaction: { mode: 'index', intersect: false },
      onHover: (event, items) => { event.native.target.style.cursor = items.length ? 'pointer' : ''; },
      onClick: (event, _, chart) => {
        const [bar] = chart.getElementsAtEventForMode(event, 'nearest', { intersect: true }, false);
        if (!bar) return;
        const { query } = data[name][bar.datasetIndex];
        window.location.assign(`${data.links[bar.index]}${query && '&'}${query}`);
      },
      plugins: {
        legend: { position: 'bottom', labels: { color: text, boxWidth: 12 } },
        tooltip: { callbacks: { label: (item) => `${item.dataset.label}: ${money(item.parsed.y)}` } },
      },
      scales: {
        x: { stacked: true, ticks: { color: text, maxRotation: 0, autoSkip: true }, grid: { display: false } },
        y: { stacked: true, ticks: { color: text, callback: money, maxTicksLimit: 6 }, grid: { color: line } },
      },
    },
  });
}

function drawAll() {
  charts.splice(0).forEach((chart) => chart.destroy());
  charts.push(draw('component'), draw('campaign'));
}

if (data && window.Chart) {
  drawAll();
  new MutationObserver(drawAll).observe(document.documentElement, { attributeFilter: ['class'] });
}
