// The pages of CloudWatch Logs: masked text drawn as masked, live tail, the Insights editor, and the policy's try-it box.
"use strict";

// Asterisks in a row are what masking leaves behind.
function drawMasked(cell) {
  const parts = cell.textContent.split(/(\*{3,})/);
  if (parts.length < 2) return;
  cell.replaceChildren(...parts.map((part, at) => {
    if (at % 2 === 0) return document.createTextNode(part);
    const masked = document.createElement("span");
    masked.className = "masked"; masked.title = "masked"; masked.textContent = part;
    return masked;
  }));
}

function row(values, masked = () => false) {
  const line = document.createElement("tr");
  values.forEach((value, at) => {
    const cell = document.createElement("td");
    cell.textContent = value;
    if (masked(at)) { cell.className = "mono"; drawMasked(cell); }
    if (/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d[.\d]*$/.test(value)) cell.classList.add("nowrap");
    line.append(cell);
  });
  return line;
}

function head(table, titles) {
  const line = document.createElement("tr");
  for (const title of titles) { const cell = document.createElement("th"); cell.scope = "col"; cell.textContent = title; line.append(cell); }
  $("thead", table).replaceChildren(line);
}

function tail() {
  const button = $("#follow"), body = $("#events"), state = $("#tail-state");
  if (!button) return;
  let source = null;
  button.addEventListener("click", () => {
    if (source) { source.close(); source = null; button.setAttribute("aria-pressed", "false"); state.textContent = ""; return; }
    const query = new URLSearchParams(new FormData($("#query")));
    source = new EventSource("/console/logs/tail?" + query);
    button.setAttribute("aria-pressed", "true"); state.textContent = "Waiting for events…"; body.replaceChildren();
    source.addEventListener("open", () => { state.textContent = "Following."; });
    source.addEventListener("log", (message) => {
      const event = JSON.parse(message.data);
      body.prepend(row([new Date(event.at).toISOString().replace("T", " ").slice(0, 19), event.stream, event.text], (at) => at === 2));
      while (body.rows.length > 1000) body.lastElementChild.remove();
    });
    source.addEventListener("over", (message) => { state.textContent = JSON.parse(message.data); source.close(); source = null; });
    source.addEventListener("error", () => { state.textContent = "The connection is lost; trying again."; });
  });
}

function insights() {
  const form = $("#insights");
  if (!form) return;
  const run = $("#run"), stop = $("#stop"), state = $("#state"), problem = $("#query-problem"), text = $("#text");
  let current = "";
  const send = (address, values) => ask(address, { method: "POST", body: new URLSearchParams(values), headers: { accept: "application/json" } });
  const fail = (message) => { problem.textContent = message; problem.hidden = !message; text.setAttribute("aria-invalid", String(Boolean(message))); };
  $("#kept")?.addEventListener("change", (event) => { if (event.target.value) text.value = event.target.value; });
  text.addEventListener("keydown", (event) => { if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); form.requestSubmit(); } });
  stop.addEventListener("click", () => send("/console/logs/insights/stop", { token: form.token.value, id: current }).catch(() => {}));
  $("#keep").addEventListener("click", async () => {
    const name = prompt("Keep this query as");
    if (!name) return;
    const values = new FormData(form); values.append("name", name);
    const answer = await send("/console/logs/insights/keep", values), said = await answer.json();
    if (answer.ok) state.textContent = "Kept."; else fail(said.problem);
  });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    fail(""); run.disabled = true; state.textContent = "Starting…";
    try {
      const answer = await send(form.action, new FormData(form)), said = await answer.json();
      if (!answer.ok) {
        fail(said.problem); state.textContent = "";
        if (said.from !== null && said.from !== undefined) { text.focus(); text.setSelectionRange(said.from, text.value.length); }
        return;
      }
      current = said.id; stop.disabled = false;
      for (let wait = 100; ; wait = Math.min(wait * 1.5, 1000)) {
        const found = await (await ask("/console/logs/insights/results?id=" + encodeURIComponent(current))).json();
        if (found.problem) { fail(found.problem); return; }
        show(found);
        if (!["Scheduled", "Running"].includes(found.status)) { if (found.status !== "Complete") fail("The query ended: " + found.status); break; }
        await new Promise((done) => setTimeout(done, wait));
      }
    } catch { state.textContent = ""; } finally { run.disabled = false; stop.disabled = true; }
  });
  function show(found) {
    const told = found.statistics;
    state.textContent = `${found.status}: ${found.rows.length} rows, ${Math.round(told.recordsMatched || 0).toLocaleString()} of ${Math.round(told.recordsScanned || 0).toLocaleString()} records`;
    const table = $("#as-table table");
    head(table, found.columns); $("tbody", table).replaceChildren(...found.rows.map((each) => row(each, () => true)));
    chartRows($("#chart"), found.columns, found.rows);
    patterns(found);
  }
  // The same text with its numbers and ids taken out is one pattern.
  function patterns(found) {
    const at = found.columns.indexOf("@message"), table = $("#as-patterns table"), counts = new Map();
    if (at >= 0) for (const each of found.rows) {
      const pattern = each[at].replace(/\*{3,}/g, "<masked>").replace(/\b[0-9a-f]{8,}(-[0-9a-f]+)*\b/gi, "<id>").replace(/\d+(\.\d+)*/g, "<n>").replace(/"[^"]{12,}"/g, '"<text>"');
      counts.set(pattern, (counts.get(pattern) || 0) + 1);
    }
    head(table, ["Events", "Share", "Pattern (of the rows shown)"]);
    $("tbody", table).replaceChildren(...[...counts].sort((one, two) => two[1] - one[1]).slice(0, 100).map(([pattern, count]) => row([count, (100 * count / found.rows.length).toFixed(1) + " %", pattern], (index) => index === 2)));
  }
}

function protection() {
  const form = $("#protection"), box = $("#try");
  if (!form) return;
  let timer = 0, turn = 0;
  async function attempt() {
    const mine = ++turn, values = new URLSearchParams({ token: form.token.value, text: box.value });
    for (const each of all("[name=kind]:checked, [name^=custom_]", form)) values.append(each.name, each.value);
    const answer = await ask("/console/logs/protection/try", { method: "POST", body: values, headers: { accept: "application/json" } });
    const said = await answer.json();
    if (mine !== turn) return;
    $("#tried").textContent = said.text ?? said.problem; drawMasked($("#tried"));
    $("#tried-kinds").textContent = said.kinds?.length ? "· " + said.kinds.join(", ") : "";
  }
  const soon = () => { clearTimeout(timer); timer = setTimeout(() => attempt().catch(() => {}), 200); };
  box.addEventListener("input", soon); form.addEventListener("input", soon); soon();
  for (const button of all("[data-all]", form)) button.addEventListener("click", () => {
    const boxes = all("input", button.closest("fieldset")), on = boxes.some((each) => !each.checked);
    for (const each of boxes) each.checked = on;
    soon();
  });
  $("#kinds-filter").addEventListener("input", (event) => {
    const word = event.target.value.toLowerCase();
    for (const label of all(".kinds-of label", form)) label.hidden = !label.textContent.toLowerCase().includes(word);
  });
}

document.addEventListener("DOMContentLoaded", () => {
  for (const cell of all("[data-masked]")) drawMasked(cell);
  tail(); insights(); protection();
});
