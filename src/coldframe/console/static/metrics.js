// The explorer of metrics, and charts whose data stands in the page.
"use strict";

async function seriesData(wanted, last) {
  const answer = await ask("/console/cloudwatch/data?" + new URLSearchParams({ series: JSON.stringify(wanted), last }));
  return answer.json();
}

function ready() {
  for (const place of all("[data-chart]")) {
    const chart = JSON.parse(place.dataset.chart);
    drawChart(place, chart.times, chart.series, { stacked: chart.stacked, marks: chart.marks || [], moments: chart.moments || [], range: chart.range || null });
  }
}

function explorer() {
  const root = $("#explorer");
  if (!root) return;
  const chosen = [], last = root.dataset.last, body = $("#chosen"), problem = $("#chart-problem");
  let number = 0, turn = 0;
  // What is chosen stands in the address, so that a chart can be sent to somebody.
  function remember() { history.replaceState(null, "", location.pathname + location.search + (chosen.length ? "#" + encodeURIComponent(JSON.stringify(chosen)) : "")); }
  async function draw() {
    const mine = ++turn;
    remember();
    if (!chosen.length) { $("#chart").textContent = "Choose metrics below."; problem.hidden = true; return; }
    const found = await seriesData(chosen, last);
    if (mine !== turn) return;
    problem.textContent = found.problem || ""; problem.hidden = !found.problem;
    if (!found.problem) drawChart($("#chart"), found.times, found.series, { range: found.range });
  }
  const soon = () => draw().catch(() => {});
  function input(kind, label, value, change) {
    const box = document.createElement(kind);
    box.setAttribute("aria-label", label);
    if (kind === "select") box.append(...$("#statistics").content.cloneNode(true).children);
    box.value = value; box.addEventListener("change", () => { change(box.value); soon(); });
    return box;
  }
  function list() {
    body.closest(".table").hidden = !chosen.length;
    body.replaceChildren(...chosen.map((each) => {
      const line = document.createElement("tr"), away = document.createElement("button");
      away.type = "button"; away.textContent = "Remove"; away.addEventListener("click", () => { chosen.splice(chosen.indexOf(each), 1); ticks(); list(); soon(); });
      const what = each.expression || `${each.namespace} ${each.name} ${Object.entries(each.dimensions).map((pair) => pair.join("=")).join(" ")}`;
      const cells = [each.id, what, each.expression ? "" : input("select", "Statistic", each.stat, (value) => { each.stat = value; }), input("input", "Period", each.period || "", (value) => { each.period = Number(value) || 0; }), away];
      for (const content of cells) { const cell = document.createElement("td"); cell.append(content); line.append(cell); }
      return line;
    }));
  }
  const same = (one, other) => one.namespace === other.namespace && one.name === other.name && JSON.stringify(one.dimensions) === JSON.stringify(other.dimensions);
  const boxes = all("[data-metric]").map((box) => {
    const metric = JSON.parse(box.dataset.metric);
    metric.dimensions = Object.fromEntries((metric.dimensions || []).map((each) => [each.Name, each.Value]));
    box.addEventListener("change", () => {
      if (box.checked) chosen.push({ ...metric, id: "m" + ++number, stat: "Average", period: 0 });
      else chosen.splice(chosen.findIndex((each) => same(each, metric)), 1);
      list(); soon();
    });
    return [box, metric];
  });
  function ticks() { for (const [box, metric] of boxes) box.checked = chosen.some((each) => same(each, metric)); }
  $("#math").addEventListener("submit", (event) => {
    event.preventDefault();
    const expression = event.target.expression.value.trim();
    if (expression) { chosen.push({ id: "e" + ++number, expression, period: 0 }); event.target.reset(); list(); soon(); }
  });
  $("#metric-filter").addEventListener("input", (event) => {
    const words = event.target.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const group of all(".namespace")) {
      const name = $("summary", group).textContent.toLowerCase();
      let any = false;
      for (const item of all("li", group)) { item.hidden = !words.every((word) => (name + item.textContent.toLowerCase()).includes(word)); any ||= !item.hidden; }
      group.hidden = !any; if (words.length && any) group.open = true;
    }
  });
  try { chosen.push(...JSON.parse(decodeURIComponent(location.hash.slice(1) || "%5B%5D"))); number = chosen.length; } catch { /* an address that is not ours */ }
  ticks(); list(); if (chosen.length) soon();
}

document.addEventListener("DOMContentLoaded", () => { ready(); explorer(); });
