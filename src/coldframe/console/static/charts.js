// Charts over uPlot: lines and stacked areas of metrics, and of Insights results that have a time.
"use strict";

const COLOURS = ["#2b8a60", "#2f6fd0", "#c26a10", "#8a4fbf", "#b3261e", "#0e8a8a", "#8a7d1c", "#5b6b75"];

function ink(name) { return getComputedStyle(document.documentElement).getPropertyValue(name).trim(); }

// series: [{label, values}], times in seconds, values with null for gaps.
function drawChart(place, times, series, { stacked = false, marks = [], moments = [], height = 260 } = {}) {
  place.replaceChildren();
  if (!times.length) { place.textContent = "Nothing to draw."; return null; }
  const shown = series.map((each) => each.values);
  if (stacked) for (let at = 1; at < shown.length; at++) shown[at] = shown[at].map((value, index) => (value ?? 0) + (shown[at - 1][index] ?? 0));
  const axis = { stroke: ink("--dim"), grid: { stroke: ink("--line"), width: 1 }, ticks: { stroke: ink("--line") } };
  const plot = new uPlot({
    width: Math.max(240, place.clientWidth), height, tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "Etc/UTC"),
    scales: { x: { time: true }, y: { range: (chart, low, high) => { const all = [low, high, ...marks.map((mark) => mark.value)].filter((value) => value !== null && Number.isFinite(value)); return all.length ? uPlot.rangeNum(Math.min(...all), Math.max(...all), 0.1, true) : [0, 1]; } } }, axes: [axis, { ...axis, size: 64 }], legend: { live: true }, cursor: { drag: { x: true, y: false } },
    series: [{}, ...series.map((each, at) => ({ label: each.label, stroke: COLOURS[at % COLOURS.length], width: 1.5, spanGaps: true, fill: stacked ? COLOURS[at % COLOURS.length] + "55" : undefined, points: { show: times.length < 40 } }))],
    hooks: { draw: [(chart) => {
      for (const mark of marks) {
        const context = chart.ctx, y = chart.valToPos(mark.value, "y", true);
        context.save(); context.strokeStyle = mark.colour || ink("--bad"); context.setLineDash([6, 4]); context.beginPath(); context.moveTo(chart.bbox.left, y); context.lineTo(chart.bbox.left + chart.bbox.width, y); context.stroke(); context.restore();
      }
      for (const moment of moments) {
        const context = chart.ctx, x = chart.valToPos(moment.at, "x", true);
        context.save(); context.strokeStyle = ink("--masked"); context.setLineDash([2, 3]); context.beginPath(); context.moveTo(x, chart.bbox.top); context.lineTo(x, chart.bbox.top + chart.bbox.height); context.stroke(); context.restore();
      }
    }] },
  }, [times, ...shown], place);
  new ResizeObserver(() => plot.setSize({ width: Math.max(240, place.clientWidth), height })).observe(place);
  return plot;
}

// Rows of Insights: the first column that holds times, and every column that holds numbers.
function chartRows(place, columns, rows) {
  const time = (text) => (/^\d{4}-\d\d-\d\d \d\d:\d\d/.test(text) ? Date.parse(text.replace(" ", "T") + "Z") / 1000 : NaN);
  const at = columns.findIndex((name, index) => rows.length && !Number.isNaN(time(rows[0][index])));
  const numbers = columns.map((name, index) => index).filter((index) => index !== at && rows.some((each) => each[index] !== "") && rows.every((each) => each[index] === "" || !Number.isNaN(Number(each[index]))));
  if (at < 0 || !numbers.length) { place.replaceChildren(); place.textContent = "A chart needs a time and a number: stats count(*) by bin(5m)"; return; }
  const sorted = [...rows].sort((one, two) => time(one[at]) - time(two[at]));
  drawChart(place, sorted.map((each) => time(each[at])), numbers.map((index) => ({ label: columns[index], values: sorted.map((each) => (each[index] === "" ? null : Number(each[index]))) })));
}
