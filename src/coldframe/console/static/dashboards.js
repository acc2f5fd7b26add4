// Dashboards: widgets on a grid of 24 columns, drawn from live data, moved and sized with the pointer or the arrow keys.
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  const board = $("#dashboard");
  if (!board) return;
  const body = JSON.parse(board.dataset.body), widgets = all("[data-widget]", board), add = $("#add");
  body.widgets ??= [];
  let editing = false, changed = false;

  const place = (widget, at) => {
    const told = body.widgets[at];
    told.width ??= 6; told.height ??= 6; told.x ??= 0; told.y ??= 0;
    widget.style.gridColumn = `${told.x + 1} / span ${told.width}`; widget.style.gridRow = `${told.y + 1} / span ${told.height}`;
  };

  function latest(series) { return [...series.values].reverse().find((value) => value !== null) ?? null; }
  function shape(kind, attributes, text) {
    const element = document.createElementNS("http://www.w3.org/2000/svg", kind);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    if (text !== undefined) element.textContent = text;
    return element;
  }
  function arc(x, y, radius, from, to) {
    const at = (angle) => [x + radius * Math.cos(angle), y + radius * Math.sin(angle)].map((each) => each.toFixed(2)).join(" ");
    return `M ${at(from)} A ${radius} ${radius} 0 ${to - from > Math.PI ? 1 : 0} 1 ${at(to)}`;
  }

  function numbers(content, series) {
    content.replaceChildren(...series.map((each) => {
      const box = document.createElement("div"), number = document.createElement("strong"), label = document.createElement("span");
      box.className = "figure"; number.textContent = short(latest(each)); label.textContent = each.label; box.append(number, label);
      return box;
    }));
  }
  function gauge(content, series, left) {
    const value = series.length ? latest(series[0]) : null, low = left.min ?? 0, high = left.max ?? 100;
    const share = value === null ? 0 : Math.min(1, Math.max(0, (value - low) / (high - low || 1)));
    const picture = shape("svg", { viewBox: "0 0 120 78", role: "img", "aria-label": `${series[0]?.label}: ${short(value)}` });
    picture.append(shape("path", { d: arc(60, 62, 50, Math.PI, 2 * Math.PI - 1e-3), class: "rail" }));
    if (share > 0) picture.append(shape("path", { d: arc(60, 62, 50, Math.PI, Math.PI * (1 + share) - 1e-3), class: "needle" }));
    picture.append(shape("text", { x: 60, y: 58, class: "value" }, short(value)), shape("text", { x: 12, y: 76 }, short(low)), shape("text", { x: 108, y: 76 }, short(high)));
    content.replaceChildren(picture);
  }
  function bars(content, series) {
    const most = Math.max(...series.map((each) => Math.abs(latest(each) ?? 0)), 1e-9);
    content.replaceChildren(...series.map((each, at) => {
      const line = document.createElement("div"), name = document.createElement("span"), bar = document.createElement("i"), value = document.createElement("b");
      line.className = "bar-line"; name.textContent = each.label; value.textContent = short(latest(each));
      bar.style.width = `${(100 * Math.abs(latest(each) ?? 0)) / most}%`; bar.style.background = COLOURS[at % COLOURS.length]; line.append(name, bar, value);
      return line;
    }));
  }
  function pie(content, series) {
    const values = series.map((each) => Math.max(0, latest(each) ?? 0)), sum = values.reduce((one, two) => one + two, 0);
    const picture = shape("svg", { viewBox: "0 0 100 100", role: "img", "aria-label": series.map((each, at) => `${each.label}: ${short(values[at])}`).join(", ") });
    let from = -Math.PI / 2;
    values.forEach((value, at) => {
      if (!value) return;
      const to = from + (2 * Math.PI * value) / sum, colour = COLOURS[at % COLOURS.length];
      picture.append(value === sum ? shape("circle", { cx: 50, cy: 50, r: 45, fill: colour }) : shape("path", { d: `${arc(50, 50, 45, from, to)} L 50 50 Z`, fill: colour }));
      from = to;
    });
    const key = document.createElement("ul"); key.className = "plain key";
    series.forEach((each, at) => { const item = document.createElement("li"), dot = document.createElement("i"); dot.style.background = COLOURS[at % COLOURS.length]; item.append(dot, `${each.label} ${short(values[at])}`); key.append(item); });
    content.replaceChildren(picture, key); content.classList.add("pie");
  }
  function rows(content, columns, lines, numeric) {
    const table = document.createElement("table"), head = table.createTHead().insertRow(), body = table.createTBody();
    columns.forEach((title, at) => { const cell = document.createElement("th"); cell.scope = "col"; cell.textContent = title; if (numeric(at)) cell.className = "number"; head.append(cell); });
    for (const line of lines) { const row = body.insertRow(); line.forEach((value, at) => { const cell = row.insertCell(); cell.textContent = value; if (numeric(at)) cell.className = "number"; }); }
    content.replaceChildren(table); content.classList.add("rows");
  }
  // A table of metrics: how each of them was, and is.
  function table(content, series) {
    rows(content, ["Metric", "Latest", "Least", "Most", "Average"], series.map((each) => {
      const values = each.values.filter((value) => value !== null);
      if (!values.length) return [each.label, "–", "–", "–", "–"];
      return [each.label, ...[values.at(-1), Math.min(...values), Math.max(...values), values.reduce((one, two) => one + two, 0) / values.length].map(short)];
    }), (at) => at > 0);
  }

  // The query of a widget runs as whoever looks, over the period of the page.
  async function query(widget, content, told, text) {
    const send = (address, values) => ask(address, { method: "POST", body: new URLSearchParams(values), headers: { accept: "application/json" } });
    const fail = (problem) => { content.textContent = problem; content.classList.add("problem"); };
    content.textContent = "The query runs…";
    const begun = await (await send("/console/logs/insights/start", { token: board.dataset.token, query: text, last: board.dataset.last })).json();
    if (begun.problem) return fail(begun.problem);
    for (let wait = 100; ; wait = Math.min(wait * 1.5, 1000)) {
      const found = await (await ask("/console/logs/insights/results?id=" + encodeURIComponent(begun.id))).json();
      if (found.problem) return fail(found.problem);
      if (!["Scheduled", "Running"].includes(found.status)) {
        if (found.status !== "Complete") return fail("The query ended: " + found.status);
        answered(content, told, found);
        const link = document.createElement("a");
        link.href = "/console/logs/insights?" + new URLSearchParams({ query: text, last: board.dataset.last }); link.textContent = "Insights"; link.className = "more";
        if (!$(".more", widget)) $("header", widget).append(link);
        return undefined;
      }
      await new Promise((done) => setTimeout(done, wait));
    }
  }
  function answered(content, told, found) {
    if (!found.rows.length) { content.textContent = "No events in this period."; return; }
    const number = found.columns.findIndex((_, at) => found.rows.every((row) => row[at] !== "" && !Number.isNaN(Number(row[at]))));
    const words = (row) => row.filter((_, at) => at !== number && found.columns[at] !== "@ptr").join(" ");
    if (["bar", "pie"].includes(told.view) && number >= 0) return (told.view === "bar" ? bars : pie)(content, found.rows.slice(0, 20).map((row) => ({ label: words(row), values: [Number(row[number])] })));
    if (told.view === "table") return rows(content, found.columns, found.rows.slice(0, 500), (at) => found.rows.every((row) => row[at] === "" || !Number.isNaN(Number(row[at]))));
    chartRows(content, found.columns, found.rows, { stacked: told.stacked, fill: true });
  }

  async function fill(widget) {
    const told = JSON.parse(widget.dataset.widget), content = $(".content", widget);
    if (told.type === "text") return;
    const answer = await ask("/console/cloudwatch/widget?" + new URLSearchParams({ name: board.dataset.name, number: told.number, last: board.dataset.last }));
    const found = await answer.json();
    if (found.problem) { content.textContent = found.problem; content.className = "content problem"; return; }
    if (found.note) { content.textContent = found.note; content.className = "content dim"; return; }
    if (found.alarms) {
      const list = document.createElement("ul"); list.className = "plain";
      list.append(...found.alarms.map((each) => {
        const line = document.createElement("li"), state = document.createElement("span"), link = document.createElement("a");
        state.className = "state " + ({ OK: "good", ALARM: "bad" }[each.state] || "quiet"); state.textContent = each.state.replace("_", " ").toLowerCase();
        link.href = "/console/cloudwatch/alarm?name=" + encodeURIComponent(each.name); link.textContent = each.name; line.append(state, " ", link);
        return line;
      }));
      content.replaceChildren(list);
    } else if (found.query !== undefined) {
      await query(widget, content, told, found.query);
    } else if (!found.series.length) content.textContent = "Nothing to draw in this period.";
    else if (told.view === "singleValue") numbers(content, found.series);
    else if (told.view === "gauge") gauge(content, found.series, told.left);
    else if (told.view === "bar") bars(content, found.series);
    else if (told.view === "pie") pie(content, found.series);
    else if (told.view === "table") table(content, found.series);
    else drawChart(content, found.times, found.series, { stacked: told.stacked, marks: found.marks, range: found.range, fill: true });
  }

  function mark() { changed = true; $("#save").hidden = false; $("#body").value = JSON.stringify(body, null, 2); }
  async function save(text) {
    const answer = await ask("/console/cloudwatch/dashboard", { method: "POST", body: new URLSearchParams({ token: board.dataset.token, name: board.dataset.name, body: text }) });
    const said = await answer.json();
    $("#refused").textContent = said.problem || ""; $("#refused").hidden = !said.problem;
    if (!said.problem) { changed = false; $("#said").textContent = ["Saved.", ...said.messages].join(" "); location.reload(); }
  }
  function handle(widget, at, kind) {
    const grip = document.createElement("button");
    grip.type = "button"; grip.className = "grip " + kind; grip.textContent = kind === "move" ? "✥" : "◢"; grip.setAttribute("aria-label", kind === "move" ? "Move with the arrow keys" : "Size with the arrow keys");
    const shift = (columns, rows) => {
      const told = body.widgets[at];
      if (kind === "move") { told.x = Math.min(24 - told.width, Math.max(0, told.x + columns)); told.y = Math.max(0, told.y + rows); }
      else { told.width = Math.min(24 - told.x, Math.max(2, told.width + columns)); told.height = Math.max(2, told.height + rows); }
      place(widget, at); mark();
    };
    grip.addEventListener("keydown", (event) => { const by = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key]; if (by) { event.preventDefault(); shift(...by); } });
    grip.addEventListener("pointerdown", (event) => {
      event.preventDefault(); grip.setPointerCapture(event.pointerId);
      let x = event.clientX, y = event.clientY;
      const column = board.clientWidth / 24, row = 32;
      const move = (now) => {
        const columns = Math.trunc((now.clientX - x) / column), rows = Math.trunc((now.clientY - y) / row);
        if (columns || rows) { x += columns * column; y += rows * row; shift(columns, rows); }
      };
      grip.addEventListener("pointermove", move);
      grip.addEventListener("pointerup", () => { grip.removeEventListener("pointermove", move); fill(widget).catch(() => {}); }, { once: true });
    });
    return grip;
  }
  $("#edit").addEventListener("click", () => {
    editing = !editing; $("#edit").setAttribute("aria-pressed", String(editing)); board.classList.toggle("editing", editing); add.hidden = !editing;
    widgets.forEach((widget, at) => {
      for (const grip of all(".grip", widget)) grip.remove();
      if (!editing) return;
      const away = document.createElement("button");
      away.type = "button"; away.className = "grip away"; away.textContent = "✕"; away.setAttribute("aria-label", "Remove the widget");
      away.addEventListener("click", () => { body.widgets[at] = null; widget.remove(); mark(); });
      widget.append(handle(widget, at, "move"), away, handle(widget, at, "size"));
    });
  });
  const whole = () => JSON.stringify({ ...body, widgets: body.widgets.filter(Boolean) });
  $("#save").addEventListener("click", () => save(whole()).catch(() => {}));
  $("#save-body").addEventListener("click", () => save($("#body").value).catch(() => {}));
  add.addEventListener("submit", (event) => {
    event.preventDefault();
    const view = add.view.value, title = add.title.value, y = Math.max(0, ...body.widgets.filter(Boolean).map((each) => (each.y ?? 0) + (each.height ?? 6)));
    const widget = { x: 0, y, width: 12, height: 6 };
    if (view === "text") Object.assign(widget, { type: "text", properties: { markdown: add.metrics.value } });
    else {
      let metrics;
      try { metrics = JSON.parse(add.metrics.value); } catch { $("#refused").textContent = "Metrics are a JSON array of arrays."; $("#refused").hidden = false; return; }
      const properties = { title, metrics, region: $("select[name=region]").value, view: view === "stacked" ? "timeSeries" : view, stacked: view === "stacked" };
      if (view === "gauge") properties.yAxis = { left: { min: 0, max: 100 } };
      Object.assign(widget, { type: "metric", properties });
    }
    body.widgets.push(widget); save(whole()).catch(() => {});
  });
  addEventListener("beforeunload", (event) => { if (changed) event.preventDefault(); });

  widgets.forEach((widget, at) => { place(widget, at); fill(widget).catch(() => {}); });
});
