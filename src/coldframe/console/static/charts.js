// Charts over uPlot: lines and stacked areas of metrics, and of Insights results that have a time.
"use strict";

const COLOURS = ["#2b8a60", "#2f6fd0", "#c26a10", "#8a4fbf", "#b3261e", "#0e8a8a", "#8a7d1c", "#5b6b75"];

function ink(name) { return getComputedStyle(document.documentElement).getPropertyValue(name).trim(); }

// A number that fits beside an axis: 1.2G rather than 1,200,000,000.
function short(value) {
  if (value === null || value === undefined) return "–";
  const size = Math.abs(value);
  if (size >= 10000) return Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 2 }).format(value).replace("B", "G");
  return String(size >= 100 ? Math.round(value * 10) / 10 : size >= 1 || size === 0 ? Math.round(value * 100) / 100 : Number(value.toPrecision(3)));
}

// Hours of 24 and days as they are written everywhere else here, in UTC.
const two = (number) => String(number).padStart(2, "0");
function moments_of(chart, splits, axis, space, step) {
  let day = "";
  return splits.map((seconds) => {
    const at = new Date(seconds * 1000), date = `${two(at.getUTCMonth() + 1)}-${two(at.getUTCDate())}`;
    const time = `${two(at.getUTCHours())}:${two(at.getUTCMinutes())}` + (step < 60 ? ":" + two(at.getUTCSeconds()) : "");
    const said = step >= 86400 ? date : date === day ? time : `${time}\n${date}`;
    day = date;
    return said;
  });
}

// Lines lie on each other: what is missing counts nothing, and each area reaches down to the one below it.
function stack(values) {
  const sums = [];
  for (const each of values) { const below = sums.at(-1); sums.push(each.map((value, at) => (value ?? 0) + (below ? below[at] : 0))); }
  return sums;
}

function mark_out(chart, marks, moments) {
  const { ctx: context, bbox: box } = chart;
  context.save();
  context.beginPath(); context.rect(box.left, box.top, box.width, box.height); context.clip();
  context.font = `${11 * devicePixelRatio}px system-ui, sans-serif`; context.textAlign = "right";
  for (const mark of marks) {
    const y = chart.valToPos(mark.value, "y", true), colour = mark.colour || ink("--bad");
    context.strokeStyle = context.fillStyle = colour; context.setLineDash([6, 4]);
    context.beginPath(); context.moveTo(box.left, y); context.lineTo(box.left + box.width, y); context.stroke();
    if (mark.label) context.fillText(mark.label, box.left + box.width - 4, y - box.top > 16 * devicePixelRatio ? y - 4 : y + 13 * devicePixelRatio);
  }
  context.strokeStyle = ink("--masked"); context.setLineDash([2, 3]);
  for (const moment of moments) {
    const x = chart.valToPos(moment.at, "x", true);
    context.beginPath(); context.moveTo(x, box.top); context.lineTo(x, box.top + box.height); context.stroke();
  }
  context.restore();
}

// What the lines say at the moment under the pointer, on the side where the pointer is not.
function tell(chart, tip, times, series) {
  const { idx: at, left } = chart.cursor;
  tip.hidden = at === null || at === undefined || left < 0;
  if (tip.hidden) return;
  const moment = document.createElement("time");
  moment.textContent = new Date(times[at] * 1000).toISOString().slice(0, 19).replace("T", " ");
  const lines = series.map((each, index) => ({ label: each.label, value: each.values[at], colour: COLOURS[index % COLOURS.length] })).filter((each) => each.value !== null && each.value !== undefined);
  tip.replaceChildren(moment, ...lines.slice(0, 12).map((each) => {
    const line = document.createElement("div"), dot = document.createElement("i"), value = document.createElement("b");
    dot.style.background = each.colour; value.textContent = short(each.value); line.append(dot, each.label + " ", value);
    return line;
  }));
  tip.classList.toggle("left", left > chart.over.clientWidth / 2);
}

// series: [{label, values}], times in seconds, values with null for gaps; `range` is the time that was asked for. With
// `fill` the chart takes the height of its place, else it has `height`.
function drawChart(place, times, series, { stacked = false, marks = [], moments = [], height = 260, range = null, fill = false } = {}) {
  place.replaceChildren();
  if (!times.length) { place.textContent = "Nothing to draw in this period."; return null; }
  const values = stacked ? stack(series.map((each) => each.values)) : series.map((each) => each.values);
  const colour = (at) => COLOURS[at % COLOURS.length];
  const axis = { stroke: ink("--dim"), font: "12px system-ui, sans-serif", grid: { stroke: ink("--line"), width: 1 }, ticks: { stroke: ink("--line"), size: 5 } };
  const tall = (chart, low, high) => {
    const all = [low, high, ...marks.map((mark) => mark.value), ...(stacked ? [0] : [])].filter((value) => value !== null && Number.isFinite(value));
    if (!all.length) return [0, 1];
    const [least, most] = [Math.min(...all), Math.max(...all)];
    return least === most ? (least === 0 ? [0, 1] : [least - Math.abs(least) * 0.1, least + Math.abs(least) * 0.1]) : uPlot.rangeNum(least, most, 0.1, true);
  };
  const tip = document.createElement("div");
  tip.className = "tip"; tip.hidden = true;
  const plot = new uPlot({
    width: Math.max(120, place.clientWidth), height, tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "Etc/UTC"),
    padding: [8, 22, 0, 0], cursor: { drag: { x: true, y: false } }, legend: { live: false, show: series.length > 1 || !fill },
    scales: { x: { time: true, ...(range ? { range: (chart, low, high) => (chart.zoomed ? [low, high] : range) } : {}) }, y: { range: tall } },
    axes: [{ ...axis, size: 42, space: 56, values: moments_of }, { ...axis, size: 46, values: (chart, splits) => splits.map(short) }],
    series: [{}, ...series.map((each, at) => ({ label: each.label, stroke: colour(at), width: 1.5, spanGaps: true, fill: stacked && at === 0 ? colour(at) + "55" : undefined, points: { show: times.length < 40 } }))],
    bands: stacked ? values.slice(1).map((_, at) => ({ series: [at + 2, at + 1], fill: colour(at + 1) + "55" })) : [],
    hooks: {
      // A stretch that was drawn with the pointer is looked at; two clicks bring all of it back.
      setSelect: [(chart) => { chart.zoomed = chart.select.width > 0; }],
      draw: [(chart) => mark_out(chart, marks, moments)],
      setCursor: [(chart) => tell(chart, tip, times, series)],
    },
  }, [times, ...values], place);
  plot.over.append(tip);
  plot.over.addEventListener("dblclick", () => { plot.zoomed = false; }, { capture: true });
  const fit = () => {
    const legend = $(".u-legend", place)?.offsetHeight || 0;
    plot.setSize({ width: Math.max(120, place.clientWidth), height: fill ? Math.max(70, place.clientHeight - legend - 2) : height });
  };
  // Twice: how many lines the legend takes depends on the width.
  fit(); fit();
  new ResizeObserver(fit).observe(place);
  return plot;
}

// Rows of Insights: the first column that holds times, and every column that holds numbers.
function chartRows(place, columns, rows, options = {}) {
  const time = (text) => (/^\d{4}-\d\d-\d\d \d\d:\d\d/.test(text) ? Date.parse(text.replace(" ", "T") + "Z") / 1000 : NaN);
  const at = columns.findIndex((name, index) => rows.length && !Number.isNaN(time(rows[0][index])));
  const numbers = columns.map((name, index) => index).filter((index) => index !== at && rows.some((each) => each[index] !== "") && rows.every((each) => each[index] === "" || !Number.isNaN(Number(each[index]))));
  if (at < 0 || !numbers.length) { place.replaceChildren(); place.textContent = "A chart needs a time and a number: stats count(*) by bin(5m)"; return; }
  // A column of words beside the time parts the numbers: stats count(*) by level, bin(5m).
  const words = columns.map((name, index) => index).filter((index) => index !== at && !numbers.includes(index));
  const sorted = [...rows].sort((one, two) => time(one[at]) - time(two[at]));
  const times = [...new Set(sorted.map((each) => time(each[at])))], place_of = new Map(times.map((each, index) => [each, index])), drawn = new Map();
  for (const each of sorted) for (const index of numbers) {
    const label = [...words.map((word) => each[word]), ...(numbers.length > 1 || !words.length ? [columns[index]] : [])].join(" ");
    if (!drawn.has(label)) { if (drawn.size === 50) continue; drawn.set(label, times.map(() => null)); }
    if (each[index] !== "") drawn.get(label)[place_of.get(time(each[at]))] = Number(each[index]);
  }
  drawChart(place, times, [...drawn].map(([label, values]) => ({ label, values })), options);
}
