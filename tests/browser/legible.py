"""Scripts that look at a page as eyes would: what is too pale to read, and what is too wide."""

from __future__ import annotations

PALE = """() => {
  const spot = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const rgba = (colour) => {
    spot.clearRect(0, 0, 1, 1);
    spot.fillStyle = colour;
    spot.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = spot.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const over = (top, below) => top.slice(0, 3).map((c, i) => c * top[3] + below[i] * (1 - top[3]));
  const grounds = new Map();
  const ground = (element) => {
    if (!element) return [255, 255, 255];
    if (!grounds.has(element)) {
      const own = rgba(getComputedStyle(element).backgroundColor);
      grounds.set(element, over(own, ground(element.parentElement)));
    }
    return grounds.get(element);
  };
  const light = (colour) => {
    const [r, g, b] = colour.map((c) => {
      const s = c / 255;
      return s <= 0.03928 ? s / 12.92 : ((s + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const pale = [];
  for (const element of document.querySelectorAll('body *')) {
    const own = [...element.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
    const icon = element.className.includes?.('material-symbols');
    if (!own || icon || !element.checkVisibility() || element.closest('[disabled]')) continue;
    const style = getComputedStyle(element);
    const below = ground(element);
    const colour = rgba(style.color);
    for (let at = element; at; at = at.parentElement) colour[3] *= getComputedStyle(at).opacity;
    const [a, b] = [light(over(colour, below)), light(below)];
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    const large = parseFloat(style.fontSize) >= 24;
    if (contrast < (large ? 3 : 4.5)) {
      pale.push(`${element.textContent.trim().slice(0, 40)}: ${contrast.toFixed(2)}`);
    }
  }
  return pale;
}"""
"""Text whose contrast with what lies behind it is under 4.5, or 3 if it is large: WCAG
AA. Icons stand beside words that say the same."""

TOO_WIDE = """() => {
  const room = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= room) return [];
  const sticks = [...document.querySelectorAll('body *')].filter((element) => {
    for (let at = element.parentElement; at && at !== document.body; at = at.parentElement) {
      if (getComputedStyle(at).overflowX !== 'visible') return false;
    }
    return element.getBoundingClientRect().right > room + 1;
  });
  const named = sticks.slice(-3).map((e) => `${e.tagName}.${e.className}`.slice(0, 80));
  return [`${document.documentElement.scrollWidth} px`, ...named];
}"""
"""What makes the document wider than the window, the innermost last; empty if nothing does."""
