// Returns what is wrong with the page as it is shown now: a list of [kind, where].
async () => {
  const found = [];
  const report = (kind, text) => found.push([kind, text.trim().replace(/\s+/g, " ").slice(0, 80)]);
  const main = document.querySelector("article") ?? document.body;

  // Markdown that stayed text.
  const blocks = new Map();
  const words = document.createTreeWalker(main, NodeFilter.SHOW_TEXT);
  while (words.nextNode()) {
    let block = words.currentNode.parentElement;
    if (block.closest("pre, script, style, svg")) continue;
    const text = block.closest("code") ? "\u2026" : words.currentNode.data;
    while (getComputedStyle(block).display.startsWith("inline")) block = block.parentElement;
    blocks.set(block, (blocks.get(block) ?? "") + text);
  }
  for (const [block, text] of blocks) {
    if (/(^|\n)\s*[-*+] \S/.test(text) || text.split(" - ").length > 2) report("a list that ran together", text);
    if (/(^|\n)\s*\d+[.)] \S/.test(text) && !/^H\d$/.test(block.tagName)) report("broken numbering", text);
    if (/`|\*\*|\]\(|^\s*(#+|\|) /.test(text)) report("Markdown shown as it is", text);
  }
  for (const list of main.querySelectorAll("ol")) {
    let before = list.previousElementSibling;
    while (before && !/^(OL|H\d)$/.test(before.tagName)) before = before.previousElementSibling;
    if (list.start > 1 && before?.tagName === "OL") report("broken numbering", `${list.start}. ${list.textContent}`);
  }
  for (const table of main.querySelectorAll("table:not(.highlighttable)")) {
    const heads = [...table.querySelectorAll("th")];
    if (heads.length && heads.some((each) => !each.textContent.trim())) report("an empty header", table.textContent);
  }

  // Text that is hard to see. Colours may be in any notation: a canvas knows them all.
  const pen = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const colours = new Map();
  const rgba = (colour) => {
    if (!colours.has(colour)) {
      pen.clearRect(0, 0, 1, 1);
      pen.fillStyle = colour;
      pen.fillRect(0, 0, 1, 1);
      const [r, g, b, a] = pen.getImageData(0, 0, 1, 1).data;
      colours.set(colour, [r, g, b, a / 255]);
    }
    return colours.get(colour);
  };
  const over = (top, below) => [0, 1, 2].map((i) => top[i] * top[3] + below[i] * (1 - top[3]));
  const grounds = new Map();
  const ground = (element) => {
    if (!element) return [255, 255, 255];
    if (!grounds.has(element)) {
      const own = rgba(getComputedStyle(element).backgroundColor);
      grounds.set(element, own[3] === 1 ? own.slice(0, 3) : over(own, ground(element.parentElement)));
    }
    return grounds.get(element);
  };
  const opacities = new Map([[null, 1]]);
  const opacity = (element) => {
    if (!opacities.has(element)) opacities.set(element, getComputedStyle(element).opacity * opacity(element.parentElement));
    return opacities.get(element);
  };
  const light = (colour) => {
    const [r, g, b] = colour.map((each) => (each / 255 <= 0.04045 ? each / 255 / 12.92 : ((each / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const seen = new Set();
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const element = texts.currentNode.parentElement;
    if (!texts.currentNode.data.trim() || seen.has(element) || element.closest("script, style, noscript, svg")) continue;
    seen.add(element);
    if (!element.checkVisibility({ opacityProperty: true, visibilityProperty: true })) continue;
    const style = getComputedStyle(element);
    const colour = rgba(style.color);
    const behind = ground(element);
    const shown = over([...colour.slice(0, 3), colour[3] * opacity(element)], behind);
    const [dark, bright] = [light(shown), light(behind)].sort((a, b) => a - b);
    const contrast = (bright + 0.05) / (dark + 0.05);
    if (contrast < 4.5) report(`a contrast of ${contrast.toFixed(2)}`, element.textContent);
  }

  // Text in pictures that is too small.
  for (const image of main.querySelectorAll("img[src$='.svg'], svg:has(text)")) {
    let drawing = image;
    let host = null;
    if (image.tagName === "IMG") {
      if (!image.naturalWidth) continue;
      host = document.body.appendChild(document.createElement("div"));
      const source = await (await fetch(image.currentSrc)).text();
      drawing = new DOMParser().parseFromString(source, "image/svg+xml").documentElement;
      drawing.setAttribute("width", image.getBoundingClientRect().width);
      drawing.removeAttribute("height");
      host.attachShadow({ mode: "open" }).append(drawing);
    }
    const sizes = [...drawing.querySelectorAll("text")].map((text) => parseFloat(getComputedStyle(text).fontSize) * text.getScreenCTM().a);
    host?.remove();
    const smallest = Math.min(...sizes);
    if (smallest < 9) report(`text of ${smallest.toFixed(1)} pixels in a picture`, image.alt ?? image.textContent);
  }

  const page = document.scrollingElement;
  if (page.scrollWidth > innerWidth) report("sideways scroll", `${page.scrollWidth} pixels on ${innerWidth}`);
  return found;
};
