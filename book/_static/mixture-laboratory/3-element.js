// <mixture-laboratory>: two programs on the same points from the same starts, stepped side by side.
// The loop is in 1-loop.js, the names in 2-map.js; here they are shown and handled.
(() => {
  const WIDTH = 480, HEIGHT = 400, PAD = 28, GRID = 120, MOST_STEPS = 300, PAUSE = 350, NUDGE = 0.02, TRAIL = 14;
  const CHOICES = { covariance: Mixture2D.COVARIANCES, weights: ["equal", "free"], assignment: ["hard", "soft"] };
  const STYLE = `
    :host { display: block; color: inherit; font: inherit; font-size: .9rem; margin: 1rem 0; --line: #757575; }
    * { box-sizing: border-box; }
    .row { display: flex; flex-wrap: wrap; gap: .5rem 1rem; align-items: end; margin: .5rem 0; }
    .buttons { gap: .5rem; }
    .drive { position: sticky; bottom: 0; z-index: 1; padding-block: .4rem; margin: 0; background: var(--paper, Canvas); }
    .programs { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 15rem), 1fr)); gap: 1rem; }
    [data-program] { border: 1px solid var(--line); border-radius: .5rem; padding: .6rem; min-width: 0;
      display: grid; grid-row: span 5; grid-template-rows: subgrid; row-gap: 0; align-content: start; }
    .name { font-weight: 600; margin: 0 0 .4rem; line-height: 1.3; }
    :host([compact]) .name { margin: 0; }
    .setting { margin: 0 0 .4rem; font-size: .85rem; line-height: 1.35; }
    .note, .told { font-weight: 600; }
    .note:empty, .told:empty { display: none; }
    .said { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
    a { color: var(--link, inherit); }
    .choices { display: grid; grid-template-columns: 1.45fr 1fr 1fr; gap: .5rem; margin: .5rem 0; }
    label { display: flex; min-width: 0; flex-direction: column; font-size: .85rem; gap: .15rem; }
    select, button, textarea { font: inherit; font-size: .9rem; color: inherit; background: transparent;
      border: 1px solid var(--line); border-radius: .35rem; padding: .35rem .6rem; min-height: 2.4rem; }
    select option { color: #111; background: #fff; }
    select { max-width: 100%; min-width: 0; text-overflow: ellipsis; }
    .variance { flex: 1; min-width: min(100%, 15rem); }
    .choices select { width: 100%; padding-inline: .4rem .1rem; }
    button { cursor: pointer; }
    button:disabled { cursor: default; opacity: .5; }
    button[aria-pressed="true"], td[data-lit] button { background: #0072B2; color: #fff; border-color: #0072B2; }
    td[data-lit="B"] button { background: #A54800; border-color: #A54800; }
    td[data-lit="AB"] button { background: linear-gradient(90deg, #0072B2 50%, #A54800 50%); }
    input[type=range] { width: 100%; min-width: 10rem; height: 2rem; accent-color: var(--strong, #0072B2); }
    :is(select, button, input, textarea, summary, .start):focus-visible { outline: 3px solid currentColor; outline-offset: 2px;
      scroll-margin-block: 5rem; }
    .picture { position: relative; filter: brightness(var(--figure-brightness, 1)); }
    canvas { position: absolute; inset: 0; width: 100%; height: 100%; opacity: .25; border-radius: .4rem; }
    svg { position: relative; display: block; width: 100%; height: auto; }
    .start { cursor: grab; touch-action: none; user-select: none; }
    .drawing .picture svg { cursor: crosshair; }
    .trace { height: 3.5rem; margin-top: .4rem; }
    p { margin: .4rem 0; font-variant-numeric: tabular-nums; }
    .numbers { font-size: .9rem; min-height: 2.8em; }
    .verdict { font-weight: 600; min-height: 1.5em; }
    table { border-collapse: collapse; font-size: .8rem; width: 100%; }
    .map { container-type: inline-size; overflow-x: auto; }
    @container (max-width: 27rem) {          /* a phone: one covariance after the other, four methods in two rows */
      table, tbody, tr, th[scope=row] { display: block; }
      thead { display: none; }
      tr { display: grid; grid-template-columns: 1fr 1fr; gap: .25rem; margin-bottom: .8rem; }
      th[scope=row] { grid-column: 1 / -1; padding-inline: 0; }
      td::before { content: attr(data-assignment) ", " attr(data-weights) " weights"; display: block; opacity: .8; }
      td { display: flex; flex-direction: column; }
      td button { flex: 1; }
    }
    th { text-align: left; font-weight: 600; padding: .2rem .3rem; }
    td { padding: .1rem; }
    td button { width: 100%; height: 100%; min-width: 5rem; font-size: .8rem; padding: .25rem .4rem; text-align: left; }
    summary { cursor: pointer; padding: .4rem 0; width: fit-content; }
    textarea { width: 100%; min-height: 8rem; font-family: monospace; }
    @media print { .row, .map, details, .more { display: none; } }`;

  const rgb = hex => [1, 3, 5].map(i => parseInt(hex.slice(i, i + 2), 16));
  const round = value => Number(value.toPrecision(6));
  const held = (value, low, high) => Math.min(Math.max(value, low), high);
  const number = value => Number.isFinite(value) && Math.abs(value) <= 1e50;      // so that squares of squares are numbers
  const pairs = list => Array.isArray(list) && list.every(x => Array.isArray(x) && x.length === 2 && x.every(number));
  const short = value => value.toLocaleString("en", { maximumSignificantDigits: 5, useGrouping: false }).replace("-", "−");
  const words = name => name.replaceAll("_", " ");
  const still = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

  class Laboratory extends HTMLElement {
    connectedCallback() {      // the script may run before the element's own content has been read
      if (this.shadowRoot) return;
      const ready = () => this.hasAttribute("compact") ? this.openWhenNear() : this.open();
      if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", ready);
      else ready();
    }

    // In a chapter the reader has far to go to it; until then the page has other things to do.
    openWhenNear() {
      const watcher = new IntersectionObserver(([{ isIntersecting }]) => {
        if (!isIntersecting) return;
        watcher.disconnect();
        this.open();
      }, { rootMargin: "600px" });
      watcher.observe(this);
    }

    find(name) { return this.shadowRoot.querySelector(name); }
    all(name) { return [...this.shadowRoot.querySelectorAll(name)]; }

    open() {
      if (this.shadowRoot) return;
      this.data = JSON.parse(this.querySelector("script").textContent);
      const compact = this.hasAttribute("compact");
      this.attachShadow({ mode: "open" }).innerHTML = `<style>${STYLE}</style><p class="note" role="status"></p>
        <div class="row">
          ${compact ? "" : `<label>Points<select name="data">${this.data.sets.map((set, i) =>
            `<option value="${i}">${set.title}</option>`).join("")}<option value="own">your own</option></select></label>
          <label>Components <select name="K">${[1, 2, 3, 4, 5, 6].map(K => `<option>${K}</option>`).join("")}</select></label>`}
          <label class="variance">Variance of the start, and of “identity”<span><output></output></span>
            <input type="range" name="variance" step="0.01" aria-label="Variance, sigma squared"></label>
        </div>
        <div class="programs">${["A", "B"].map(name => `
          <div role="group" data-program="${name}" aria-label="Program ${name}"><p class="name"></p>${compact ? `<p class="setting"></p>` : ""}
            ${compact ? "" : `<div class="choices">${Object.entries(CHOICES).map(([key, values]) => `<label>${key}<select name="${key}">
              ${values.map(value => `<option value="${value}">${words(value)}</option>`).join("")}</select></label>`).join("")}</div>`}
            <div class="picture"><canvas width="${GRID}" height="${Math.round(GRID * HEIGHT / WIDTH)}" aria-hidden="true"></canvas>
              <svg class="plane" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="group"><g class="ink"></g><g class="starts"></g></svg></div>
            <svg class="trace" viewBox="0 0 ${WIDTH} 56" preserveAspectRatio="none" role="img"></svg>
            <p class="numbers"></p></div>`).join("")}</div>
        <p class="verdict"></p><div class="said" aria-live="polite"></div>
        <div class="row buttons drive"><button name="step">Step</button><button name="back">Back</button>
          <button name="run">Run</button><button name="over">Start over</button></div>
        <div class="row buttons"><button name="starts">New starts</button>
          ${compact ? "" : `<button name="draw" aria-pressed="false">Draw points</button><button name="undo">Undo</button>
          <button name="clear">Clear points</button><button name="link">Copy link</button>`}</div>
        ${compact ? `<p class="more"><a href="laboratory.html">Open this in the laboratory</a></p>` : ""}
        ${compact ? "" : `<details open><summary>The map of special cases</summary><div class="map" tabindex="0" role="region" aria-label="Map of special cases"></div></details>
        <details><summary>Points as text</summary><label>One point per line: two numbers
          <textarea name="text" spellcheck="false"></textarea></label><button name="use">Use these points</button><p class="told" role="status"></p></details>`}`;
      if (!compact) this.drawMap();
      this.past = [];
      this.listen();
      this.take(this.shared() || this.data.open);
    }

    // ------------------------------------------------------------- the state, and the link that holds it

    // A state: { set or points, means, variance, A, B, t }. What is missing comes from the data set.
    take(state) {
      const set = this.data.sets[state.set] || null;
      this.set = state.points ? "own" : state.set;
      this.points = state.points || set.points;
      this.means = (state.means || set.means).map(mean => [...mean]);
      this.variance = state.variance || set.variance;
      this.settings = { A: { ...(state.A || set.A) }, B: { ...(state.B || set.B) } };
      this.past = [];
      this.frame();
      this.rerun(state.t || 0);
      this.write();
    }

    state() {
      const where = this.set === "own" ? { points: this.points } : { set: this.set };
      return { ...where, means: this.means, variance: this.variance, A: this.settings.A, B: this.settings.B, t: this.t };
    }

    // The state in the page's address, or null; what cannot be read is said.
    shared() {
      if (this.hasAttribute("compact") || !location.hash.startsWith("#lab=")) return null;
      this.hash = location.hash;
      try {
        const state = JSON.parse(decodeURIComponent(location.hash.slice(5)));
        const known = choice => Object.entries(CHOICES).every(([key, values]) => values.includes(choice[key]));
        const points = state.points ? pairs(state.points) : Number.isInteger(state.set) && this.data.sets[state.set];
        const means = pairs(state.means) && state.means.length > 0 && state.means.length <= 6;
        if (points && means && number(state.variance) && state.variance > 1e-50 && known(state.A) && known(state.B)) {
          return { ...state, t: held(Math.floor(state.t) || 0, 0, MOST_STEPS) };
        }
      } catch { /* not JSON: somebody else's link, or a part of one */ }
      this.find(".note").textContent = "The link that led here is incomplete or of another version. The laboratory opens with its own points instead.";
      return null;
    }

    // ------------------------------------------------------------- running

    rerun(t = 0) {
      clearInterval(this.timer);
      this.timer = null;
      this.programs = this.points.length ? ["A", "B"].map(name => new Mixture2D.Program(
        { ...this.settings[name], variance: this.variance }, this.means, this.points)) : [];
      this.t = 0;
      while (this.t < t && this.forward());
      this.draw();
    }

    // One iteration of each program that has not ended; false when both have.
    forward() {
      if (this.t >= MOST_STEPS) return false;
      for (const program of this.programs) {
        if (program.history.length === this.t + 1) program.step();
      }
      if (!this.programs.some(program => program.history.length > this.t + 1)) return false;
      this.t += 1;
      return true;
    }

    run() {
      if (this.timer) return this.pause();
      if (still()) {
        while (this.forward());
        return this.draw();
      }
      this.timer = setInterval(() => {
        if (!this.forward()) this.pause();
        this.draw();
      }, PAUSE);
      this.draw();
    }

    pause() {
      clearInterval(this.timer);
      this.timer = null;
      this.draw();
    }

    record(program) { return program.history[Math.min(this.t, program.history.length - 1)]; }

    // ------------------------------------------------------------- where a point of the plane is drawn

    // The view: units of the picture per unit of the plane, and what stands in the middle.
    frame() {
      const all = this.points.concat(this.means), axis = j => all.map(x => x[j]);
      const ends = [0, 1].map(j => [Math.min(...axis(j)), Math.max(...axis(j))]), [across, up] = ends.map(([low, high]) => high - low);
      const scale = Math.min((WIDTH - 2 * PAD) / (across > 1e-50 ? across : 1), (HEIGHT - 2 * PAD) / (up > 1e-50 ? up : 1));
      this.view = [scale, ...ends.map(([low, high]) => low + (high - low) / 2)];
    }

    place(x) {
      const [scale, u, v] = this.view;
      return [WIDTH / 2 + scale * (x[0] - u), HEIGHT / 2 - scale * (x[1] - v)];
    }

    back(a, b) {
      const [scale, u, v] = this.view;
      return [u + (a - WIDTH / 2) / scale, v - (b - HEIGHT / 2) / scale];
    }

    // What the hand has placed: in the picture, and with no more digits than the picture shows.
    placed(x) {
      const [a, b] = this.place(x), grain = 10 ** (Math.floor(Math.log10(WIDTH / this.view[0])) - 5);
      return this.back(held(a, 0, WIDTH), held(b, 0, HEIGHT)).map(value => Number((Math.round(value / grain) * grain).toPrecision(15)));
    }

    // ------------------------------------------------------------- drawing

    draw() {
      for (const [index, name] of ["A", "B"].entries()) {
        const part = this.find(`[data-program=${name}]`), setting = this.settings[name];
        part.querySelector(".name").textContent = `${name}: ${MethodMap.name(setting)}`;
        part.setAttribute("aria-label", `Program ${name}: ${MethodMap.name(setting)}`);
        if (part.querySelector(".setting")) part.querySelector(".setting").textContent =
          `${words(setting.covariance)} covariance, ${setting.weights} weights, ${setting.assignment} assignment`;
        for (const select of part.querySelectorAll("select")) select.value = setting[select.name];
        this.drawPlane(part, this.programs[index], name);
        this.drawStarts(part, name);
        this.drawTrace(part, this.programs[index]);
        part.querySelector(".numbers").textContent = this.numbers(this.programs[index]);
      }
      const K = this.find("[name=K]"), set = this.find("[name=data]");
      if (K) K.value = this.means.length;
      if (set) set.value = this.set;
      this.find("output").textContent = ` σ² = ${short(this.variance)}`;
      this.drawVariance();
      this.able("back", this.t > 0, "step");
      this.able("undo", this.past.length > 0, "draw");
      this.find("[name=run]").textContent = this.timer ? "Pause" : "Run";
      this.find(".verdict").textContent = this.verdict();
      this.say([...this.all(".numbers")].map((p, index) => `${"AB"[index]}: ${p.textContent}`).concat(this.verdict()).join(" "));
      if (this.find(".more")) this.find(".more a").href = `laboratory.html#${this.address({ ...this.state(), set: "own", points: this.points })}`;
      for (const cell of this.all("td[data-covariance]")) {
        const lit = ["A", "B"].filter(name => Object.keys(CHOICES).every(key => this.settings[name][key] === cell.dataset[key]));
        if (lit.length) cell.dataset.lit = lit.join(""); else delete cell.dataset.lit;
        cell.firstChild.setAttribute("aria-label", `${cell.firstChild.textContent}${lit.length ? `, program ${lit.join(" and ")}` : ""}`);
      }
    }

    // The slider spans five powers of ten, up to the square of the view; a variance beyond them widens it.
    drawVariance() {
      const slider = this.find("[name=variance]"), power = Math.log10(this.variance), top = Math.round(2 * Math.log10((WIDTH - 2 * PAD) / this.view[0]));
      Object.assign(slider, { min: Math.min(top - 5, Math.floor(power)), max: Math.max(top, Math.ceil(power)), value: power });
      slider.setAttribute("aria-valuetext", short(this.variance));
    }

    // A button that cannot be pressed any more hands the focus on.
    able(name, can, next) {
      const button = this.find(`[name=${name}]`);
      if (!button) return;
      if (!can && this.shadowRoot.activeElement === button) this.find(`[name=${next}]`).focus();
      button.disabled = !can;
    }

    // For ears, once the hand has come to rest, so that no reader is talked over.
    say(words) {
      clearTimeout(this.saying);
      if (this.heard === words) return;
      const first = this.heard === undefined;
      this.heard = words;
      if (!first) this.saying = setTimeout(() => { this.find(".said").textContent = words; }, 700);
    }

    palette() { return this.means.map((_, k) => rgb(this.data.colors[k % this.data.colors.length])); }

    drawPlane(part, program, name) {
      const palette = this.palette();
      const mixed = r => `rgb(${[0, 1, 2].map(c => Math.round(r.reduce((total, share, k) => total + share * palette[k][c], 0)))})`;
      const path = k => this.data.marks[k % this.data.marks.length];
      const mark = (k, [a, b], size, rest) => `<path d="${path(k)}" transform="translate(${a.toFixed(2)} ${b.toFixed(2)}) scale(${size})" ${rest}/>`;
      let ink = "";
      if (program) {
        const record = this.record(program), { means, covariances } = record.theta;
        const border = this.paint(part.querySelector("canvas"), program, record, palette);
        ink += `<path class="border" d="${border}" fill="none" stroke="#757575" stroke-width="1.5" stroke-linecap="round"/>`;
        this.points.forEach((x, i) => {
          ink += mark(record.labels[i], this.place(x), 4, `fill="${mixed(record.responsibilities[i])}"`);
        });
        covariances.forEach(([a, b, c], k) => {
          const l = Math.sqrt(a), m = b / l, r = Math.sqrt(c - m * m), round = [...Array(49).keys()].map(i => {
            const u = Math.cos(Math.PI * i / 24), v = Math.sin(Math.PI * i / 24);
            return this.place([means[k][0] + l * u, means[k][1] + m * u + r * v]).map(p => p.toFixed(2)).join(",");
          });
          ink += `<polyline points="${round.join(" ")}" fill="none" stroke="rgb(${palette[k]})" stroke-width="2"/>`;
          const way = program.history.slice(0, this.t + 1).map(h => this.place(h.theta.means[k]).map(p => p.toFixed(2)).join(",")).join(" ");
          ink += `<polyline points="${way}" fill="none" stroke="#fff" stroke-width="4"/><polyline points="${way}" fill="none" stroke="rgb(${palette[k]})" stroke-width="2.5"/>`;
        });
        means.forEach((mean, k) => {
          ink += mark(k, this.place(mean), 9, `fill="rgb(${palette[k]})" stroke="#fff" stroke-width=".3"`);
        });
      }
      part.querySelector(".ink").innerHTML = ink;
      part.querySelector("canvas").hidden = !program;
      part.querySelector(".plane").setAttribute("aria-label", `The plane of program ${name}: ${this.points.length} points, ${this.means.length} centres`);
    }

    // The handles stay while they move: so they keep the focus, and the finger that holds them.
    drawStarts(part, name) {
      const group = part.querySelector(".starts"), palette = this.palette();
      if (group.childElementCount !== this.means.length) {
        group.innerHTML = palette.map((color, k) => {
          const access = name === "A" ? `tabindex="0" role="slider" aria-label="Start of centre ${k + 1}. Arrow keys move it." data-start="${k}"` : `aria-hidden="true"`;
          return `<g class="start" data-index="${k}" ${access}><circle r="22" fill="transparent"/><circle r="7" fill="none" stroke="#fff" stroke-width="5"/>
            <circle r="7" fill="none" stroke="rgb(${color})" stroke-width="2.5" stroke-dasharray="3 2"/></g>`;
        }).join("");
      }
      [...group.children].forEach((start, k) => {
        start.setAttribute("transform", `translate(${this.place(this.means[k]).map(p => p.toFixed(2)).join(" ")})`);
        if (name !== "A") return;
        start.setAttribute("aria-valuenow", this.means[k][0]);
        start.setAttribute("aria-valuetext", this.means[k].map(short).join(", "));
      });
    }

    // Behind the points: whose each place would be. Returns the border, where the two largest log-joints
    // agree: on the way from one place to the next their difference is taken to be linear.
    paint(canvas, program, record, palette) {
      const { width, height } = canvas, context = canvas.getContext("2d"), image = context.createImageData(width, height);
      const hard = program.setting.assignment === "hard", owner = [], logs = [], cell = WIDTH / width;
      const ask = Mixture2D.density(record.theta), middle = i => [(i % width + .5) * cell, (Math.floor(i / width) + .5) * cell];
      for (let i = 0; i < width * height; i++) {
        logs[i] = ask(this.back(...middle(i)));
        const r = Mixture2D.softmax(logs[i])[0], best = owner[i] = r.indexOf(Math.max(...r));
        image.data.set([...(hard ? palette[best] : [0, 1, 2].map(c => r.reduce((total, share, k) => total + share * palette[k][c], 0))), 255], 4 * i);
      }
      context.putImageData(image, 0, 0);
      const crossing = (i, j) => {
        const lead = at => logs[at][owner[i]] - logs[at][owner[j]], a = lead(i), b = lead(j), [p, q] = [middle(i), middle(j)];
        const share = a > b ? a / (a - b) : .5;
        return [0, 1].map(c => p[c] + share * (q[c] - p[c]));
      };
      let border = "";
      for (let i = 0; i < width * (height - 1); i++) {
        if (i % width === width - 1) continue;
        const sides = [[i, i + 1], [i, i + width], [i + 1, i + width + 1], [i + width, i + width + 1]].filter(([a, b]) => owner[a] !== owner[b]);
        const ends = sides.map(([a, b]) => crossing(a, b)), to = p => p.map(value => value.toFixed(2)).join(" ");
        if (ends.length === 2) border += `M${to(ends[0])}L${to(ends[1])}`;
        else if (ends.length) {                           // three components meet, or two cross: all run to the middle
          const centre = [0, 1].map(c => ends.reduce((total, p) => total + p[c], 0) / ends.length);
          border += ends.map(p => `M${to(p)}L${to(centre)}`).join("");
        }
      }
      return border;
    }

    drawTrace(part, program) {
      const svg = part.querySelector(".trace"), values = program ? program.history.map(h => h.objective) : [];
      const low = Math.min(...values), high = Math.max(...values), across = i => values.length > 1 ? 6 + 468 * i / (values.length - 1) : 6;
      const down = value => high > low ? 50 - 44 * (value - low) / (high - low) : 28;
      const now = Math.min(this.t, values.length - 1);
      svg.innerHTML = values.length ? `<polyline points="${values.map((v, i) => `${across(i)},${down(v)}`).join(" ")}" fill="none"
        stroke="#757575" stroke-width="2" vector-effect="non-scaling-stroke"/>
        <line x1="${across(now)}" x2="${across(now)}" y1="2" y2="54" stroke="#0072B2" stroke-width="2" vector-effect="non-scaling-stroke"/>` : "";
      svg.setAttribute("aria-label", values.length ? `The objective rises from ${short(values[0])} to ${short(values.at(-1))} in ${values.length - 1} iterations` : "No points yet");
    }

    drawMap() {
      const head = MethodMap.COLUMNS.map(([assignment, weights]) => `<th scope="col">${assignment}, ${weights} weights</th>`).join("");
      const body = Object.entries(MethodMap.NAMES).map(([covariance, names]) => `<tr><th scope="row">${words(covariance)}</th>${names.map((name, j) =>
        `<td data-covariance="${covariance}" data-assignment="${MethodMap.COLUMNS[j][0]}" data-weights="${MethodMap.COLUMNS[j][1]}"><button>${name}</button></td>`).join("")}</tr>`).join("");
      this.find(".map").innerHTML = `<p>Blue: program A. Orange: program B. A method that you press becomes program B.</p>
        <table><thead><tr><th scope="col">covariance</th>${head}</tr></thead><tbody>${body}</tbody></table>`;
    }

    // ------------------------------------------------------------- in words

    numbers(program) {
      if (!program) return "No points yet.";
      const record = this.record(program), last = program.history.length - 1;
      const inertia = record.inertia > 1e-20 * (WIDTH / this.view[0]) ** 2 ? record.inertia : 0;      // not what rounding leaves
      const sizes = this.means.map((_, k) => record.labels.filter(label => label === k).length).join(", ");
      const ended = this.t < last || program.state === "running" ? (this.t === MOST_STEPS ? " Not converged; it stops here." : "")
        : program.state === "converged" ? ` Converged after ${last} iteration${last === 1 ? "" : "s"}.`
          : Mixture2D.SHARED.has(program.setting.covariance) ? " The shared covariance becomes singular here: the likelihood has no bound."
            : ` Component ${program.collapsed + 1} collapses here: its covariance becomes singular, and the likelihood has no bound.`;
      return `Iteration ${Math.min(this.t, last)}: objective ${short(record.objective)}, J = ${short(inertia)}; points ${sizes}.${ended}`;
    }

    verdict() {
      if (!this.points.length) return "Draw a point, or choose points.";
      const [a, b] = this.programs;
      for (let t = 0; t <= this.t; t++) {
        const gone = [a, b].findIndex(program => program.state === "collapsed" && t >= program.history.length);
        if (gone >= 0) return `${t > 1 ? `Iterations 0 to ${t - 1}` : "Iteration 0"}: the same labels and the same centres. Then program ${"AB"[gone]} collapses.`;
        const [p, q] = [a, b].map(program => program.history[Math.min(t, program.history.length - 1)]);
        const labels = p.labels.filter((label, i) => label !== q.labels[i]).length;
        const moved = Math.max(...p.theta.means.map((mean, k) => Math.hypot(mean[0] - q.theta.means[k][0], mean[1] - q.theta.means[k][1])));
        if (labels) return `The labels part at iteration ${t}: ${labels} of ${this.points.length} differ there.`;
        if (moved > 1e-9 * (WIDTH / this.view[0])) return `The centres part at iteration ${t}; the labels are still the same there.`;
      }
      if (this.t) return `Iterations 0 to ${this.t}: the same labels and the same centres.`;
      return [a, b].every(program => program.state === "collapsed") ? "The same start, and neither program can take a step." : "The same start. Take a step.";
    }

    // ------------------------------------------------------------- the reader's hand

    listen() {
      const root = this.shadowRoot;
      root.addEventListener("change", event => this.changed(event.target));
      root.addEventListener("input", event => {
        if (event.target.name === "variance") {
          this.variance = round(10 ** event.target.value);
          this.rerun(this.t);
        }
      });
      root.addEventListener("click", event => {
        const button = event.target.closest("button");
        if (button?.parentElement.dataset.covariance) this.choose(button.parentElement.dataset);
        else if (button) this.press(button.name, button);
      });
      root.addEventListener("keydown", event => {
        const by = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
        const k = event.target.dataset?.start;
        if (!by || k === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
        event.preventDefault();
        this.move(+k, this.means[k].map((value, j) => value + by[j] * NUDGE * WIDTH / this.view[0]));
      });
      addEventListener("hashchange", () => {
        if (location.hash === this.hash) return;
        const state = this.shared();
        if (state) this.take(state);
      });
      for (const svg of this.all(".plane")) {
        const at = event => {
          const box = svg.getBoundingClientRect();
          return this.back((event.clientX - box.left) * WIDTH / box.width, (event.clientY - box.top) * HEIGHT / box.height);
        };
        let grip = null, from = null, moved = false;      // a held start and where; where the pointer went down; more than a click
        svg.addEventListener("pointerdown", event => {
          if (!event.isPrimary || event.button) return;
          const start = event.target.closest(".start"), k = start && +start.dataset.index, x = at(event);
          grip = start && { k, x: this.means[k].map((value, j) => value - x[j]) };
          from = [event.clientX, event.clientY];
          moved = false;
          if (start || this.drawing && event.pointerType === "mouse") svg.setPointerCapture(event.pointerId);
        });
        svg.addEventListener("pointermove", event => {
          if (!from || !event.isPrimary) return;
          const way = Math.hypot(event.clientX - from[0], event.clientY - from[1]);
          if (grip && (moved ||= way > 3)) this.move(grip.k, at(event).map((value, j) => value + grip.x[j]));
          if (grip || !this.drawing || event.pointerType !== "mouse" || way < TRAIL) return;
          const here = [event.clientX, event.clientY];      // a mouse draws as it goes; a finger scrolls
          this.own(this.points.concat((moved ? [here] : [from, here]).map(([clientX, clientY]) => this.placed(at({ clientX, clientY })))), !moved);
          [from, moved] = [here, true];
        });
        for (const name of ["pointerup", "pointercancel"]) svg.addEventListener(name, () => { grip = from = null; });
        svg.addEventListener("click", event => {
          if (this.drawing && !moved) this.own(this.points.concat([this.placed(at(event))]));
        });
      }
    }

    changed(control) {
      const program = control.closest("[data-program]")?.dataset.program;
      this.find(".note").textContent = "";
      if (program) this.settings[program][control.name] = control.value;
      if (control.name === "data" && control.value !== "own") return this.take({ set: +control.value });
      if (control.name === "data") return this.own(this.points);
      if (control.name === "K") this.scatter(+control.value);
      if (program || control.name === "K") this.rerun(control.name === "K" ? 0 : this.t);
    }

    press(name, button) {
      this.find(".note").textContent = "";
      if (name === "step") this.forward();
      if (name === "back") this.t -= 1;
      if (name === "over") this.t = 0;
      if (["step", "back", "over"].includes(name)) return this.timer ? this.pause() : this.draw();
      if (name === "run") return this.run();
      if (name === "starts") {
        this.scatter(this.means.length);
        return this.rerun();
      }
      if (name === "draw") {
        this.drawing = !this.drawing;
        button.setAttribute("aria-pressed", this.drawing);
        return this.find(".programs").classList.toggle("drawing", this.drawing);
      }
      if (name === "clear") return this.own([]);
      if (name === "link") return this.share(button);
      if (name === "use") return this.use(this.find("textarea").value);
      if (name === "undo") {
        Object.assign(this, this.past.pop());
        this.rerun();
        this.write();
      }
    }

    // Points that have been typed
    use(text) {
      const told = this.find(".told"), rows = text.split("\n").map((line, i) => [i + 1, line.trim()]).filter(([, line]) => line)
        .map(([i, line]) => [i, line.split(/\s*[,;]\s*|\s+/).map(word => word ? Number(word) : NaN)]);
      const bad = rows.find(([, row]) => row.length !== 2 || !row.every(number));
      if (bad) told.textContent = `Line ${bad[0]} is not two numbers.`;
      else if (!rows.length) told.textContent = "There are no points here: write two numbers to a line.";
      else {
        const means = this.means;
        this.keep();
        this.points = rows.map(([, row]) => row);
        this.scatter(means.length);
        this.frame();
        this.own(this.points, false);
        told.textContent = `${rows.length === 1 ? "1 point is" : `${rows.length} points are`} in the pictures now.`;
      }
    }

    choose({ covariance, weights, assignment }) {
      this.settings.B = { covariance, weights, assignment };
      this.rerun(this.t);
    }

    // Points of the reader's own; what was there before can be had back.
    own(points, keep = true) {
      if (keep) this.keep();
      this.set = "own";
      this.points = points;
      this.rerun();
      this.write();
    }

    keep() { this.past.push({ set: this.set, points: this.points, means: this.means, view: this.view }); }

    write() {
      const text = this.find("textarea");
      if (text) text.value = this.points.map(x => x.join(" ")).join("\n");
    }

    move(k, mean) {
      this.means[k] = this.placed(mean);
      this.rerun(this.t);
    }

    // K starts at points drawn at random, distinct as far as there are that many.
    scatter(K) {
      const left = [...new Set(this.points.map(x => x.join()))].map(x => x.split(",").map(Number));
      this.means = Array.from({ length: K }, () => left.length
        ? left.splice(Math.floor(Math.random() * left.length), 1)[0] : this.placed(this.back(WIDTH * Math.random(), HEIGHT * Math.random())));
    }

    address(state) { return `lab=${encodeURIComponent(JSON.stringify(state))}`; }

    async share(button) {
      history.replaceState(null, "", `#${this.address(this.state())}`);
      this.hash = location.hash;
      try {
        await navigator.clipboard.writeText(location.href);
        button.textContent = "Link copied";
      } catch {
        button.textContent = "The link is in the address bar";
      }
      this.say(button.textContent);
      setTimeout(() => { button.textContent = "Copy link"; }, 2500);
    }
  }

  customElements.define("mixture-laboratory", Laboratory);
})();
