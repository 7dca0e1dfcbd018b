// <variance-slider>: soft k-means at a variance that the reader's hand sets. The numbers come from
// mixlib.slider as JSON; here they are drawn. Without this script the element shows its own picture and table.
(() => {
  const STYLE = `
    :host { display: block; color: inherit; font: inherit; padding: 0 6px 6px; break-inside: avoid; }
    .picture { position: relative; filter: brightness(var(--figure-brightness, 1)); }
    canvas { position: absolute; inset: 0; width: 100%; height: 100%; opacity: .22; border-radius: .4rem; }
    svg { position: relative; display: block; width: 100%; height: auto; }
    label, .ends { display: flex; justify-content: space-between; gap: 1rem; }
    label { margin-top: .75rem; font-weight: 600; }
    .ends { font-size: .85em; opacity: .85; }
    input { width: 100%; height: 2rem; margin: 0; accent-color: var(--strong, #0072B2); cursor: pointer; }
    input:focus-visible { outline: 3px solid var(--strong, #0072B2); outline-offset: 2px; border-radius: .25rem; }
    p { margin: .5rem 0 0; min-height: 3.2em; font-variant-numeric: tabular-nums; }
    sub, sup { line-height: 0; }
    @media print { input, .ends { display: none; } }`;

  const rgb = hex => [1, 3, 5].map(i => parseInt(hex.slice(i, i + 2), 16));
  const square = (a, b) => (a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2;
  const short = value => Number(value.toPrecision(3)).toLocaleString("en", { maximumSignificantDigits: 3 }).replace("-", "−");

  // r_k = exp(-|x - mu_k|^2 / 2 sigma^2) / sum; one-hot, the lowest index of the nearest, when sigma^2 = 0
  function responsibilities(x, { means, variance }) {
    const distances = means.map(mean => square(x, mean)), least = Math.min(...distances);
    if (variance === 0) return distances.map((_, k) => +(k === distances.indexOf(least)));
    const terms = distances.map(d => Math.exp((least - d) / (2 * variance)));
    const sum = terms.reduce((a, b) => a + b);
    return terms.map(t => t / sum);
  }

  // The part of the line equally far from means j and k on which no other mean is nearer.
  function boundary(means, j, k, near) {
    const [a, b] = [means[j], means[k]], length = Math.sqrt(square(a, b));
    if (length < near) return null;
    const middle = [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2];
    const along = [(a[1] - b[1]) / length, (b[0] - a[0]) / length];
    let low = -1e4 * length, high = 1e4 * length;
    for (const other of means) {
      if (square(other, a) < near ** 2 || square(other, b) < near ** 2) continue;
      // |p - a|^2 <= |p - other|^2 with p = middle + t along is slope * t <= level
      const slope = 2 * ((other[0] - a[0]) * along[0] + (other[1] - a[1]) * along[1]);
      const level = square(middle, other) - square(middle, a);
      if (slope > 0) high = Math.min(high, level / slope);
      else if (slope < 0) low = Math.max(low, level / slope);
      else if (level < 0) return null;
    }
    return low < high ? [low, high].map(t => [middle[0] + t * along[0], middle[1] + t * along[1]]) : null;
  }

  // A mark of radius r at a place of the picture: an open tag, for the caller to colour and close.
  const shape = (mark, [x, y], r) =>
    `<path d="${mark}" transform="translate(${x} ${y}) scale(${r})"`;

  class VarianceSlider extends HTMLElement {
    connectedCallback() {      // the script may run before the element's own content has been read
      if (this.shadowRoot) return;
      if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", () => this.start());
      else this.start();
    }

    find(name) {
      return this.shadowRoot.querySelector(name);
    }

    start() {
      const data = this.data = JSON.parse(this.querySelector("script").textContent);
      const { left, top, across, down, pad, width, height } = data.view;
      this.place = p => [pad + (p[0] - left) * across, pad + (top - p[1]) * down];
      this.back = (a, b) => [left + (a - pad) / across, top - (b - pad) / down];
      this.near = 0.02 * Math.sqrt(data.critical);
      this.attachShadow({ mode: "open" }).innerHTML = `<style>${STYLE}</style>
        <div class="picture"><canvas width="160" height="${Math.round(height / width * 160)}" aria-hidden="true"></canvas>
        <svg viewBox="0 0 ${width} ${height}" role="img"></svg></div>
        <label for="range"><span>Variance <i>σ</i><sup>2</sup></span><output for="range"></output></label>
        <input id="range" type="range" min="0" max="${data.frames.length - 1}" step="1" value="${data.opening}">
        <div class="ends" aria-hidden="true"><span>large: one cluster</span><span>0: k-means</span></div>
        <p></p><div class="said" aria-live="polite" style="position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)"></div>`;
      this.find("svg").setAttribute("aria-label",
        `${this.getAttribute("description")} ${data.legend} Lines are the borders between components.`);
      this.find("input").addEventListener("input", () => { this.draw(); this.say(); });
      this.draw();
    }

    // What the reader sees, in words.
    text({ variance, places, inertia, softObjective }) {
      const K = this.data.frames[0].means.length;
      const where = places === 1 ? `All ${K} centres stand at the mean of the points.`
        : places < K ? `The ${K} centres stand in ${places} places.` : `All ${K} centres have parted.`;
      return variance === 0 ? `k-means: every point belongs to its nearest centre. ${where} J = ${short(inertia)}.`
        : `The variance is ${short(variance / this.data.critical)} times the critical one. ${where} `
          + `J = ${short(inertia)}; its soft form is ${short(softObjective)}.`;
    }

    say() {      // after the hand has come to rest, so that no reader is talked over
      clearTimeout(this.timer);
      this.timer = setTimeout(() => { this.find(".said").textContent = this.find("p").textContent; }, 700);
    }

    draw() {
      const { frames, points, colors, marks, critical } = this.data, now = +this.find("input").value, frame = frames[now];
      const palette = frame.means.map((_, k) => rgb(colors[k % colors.length]));
      const mixed = r => [0, 1, 2].map(c => Math.round(r.reduce((sum, share, k) => sum + share * palette[k][c], 0)));
      const group = place => frame.means.findIndex(mean => square(mean, place) < this.near ** 2);   // the first there
      this.paint(frame, mixed);
      let ink = "";
      frame.means.forEach((_, j) => frame.means.slice(0, j).forEach((_, k) => {
        const line = boundary(frame.means, j, k, this.near);
        if (!line) return;
        const [[a, b], [c, d]] = line.map(this.place);
        ink += `<line x1="${a}" y1="${b}" x2="${c}" y2="${d}" stroke="#757575" stroke-width="1.5"/>`;
      }));
      for (const x of points) {
        const r = responsibilities(x, frame), best = frame.means[r.indexOf(Math.max(...r))];
        ink += `${shape(marks[group(best) % marks.length], this.place(x), 5)} fill="rgb(${mixed(r)})" fill-opacity=".85"/>`;
      }
      frame.means.forEach((mean, k) => {
        const way = frames.slice(0, now + 1).map(f => this.place(f.means[k]).join(",")).join(" ");
        ink += `<polyline points="${way}" fill="none" stroke="rgb(${palette[k]})" stroke-width="2.5"/>`;
      });
      frame.means.forEach((mean, k) => {
        if (group(mean) < k) return;
        const rim = shape(marks[k % marks.length], this.place(mean), 11);
        ink += `${rim} fill="none" stroke="#fff" stroke-width=".64"/>${rim} fill="rgb(${palette[k]})" stroke="#000" stroke-width=".18"/>`;
      });
      this.find("svg").innerHTML = ink;
      const ratio = frame.variance && short(frame.variance / critical);
      this.find("output").innerHTML = ratio ? `${ratio} <i>λ</i><sub>max</sub>` : "0 (k-means)";
      this.find("input").setAttribute("aria-valuetext", ratio ? `${ratio} times the critical variance` : "0 (k-means)");
      this.find("p").innerHTML = this.text(frame).replace("J = ", "<i>J</i>&nbsp;=&nbsp;");
    }

    // Behind the points: the responsibilities of every place in the plane, as mixed colours.
    paint(frame, mixed) {
      const canvas = this.find("canvas"), { width, height } = canvas, context = canvas.getContext("2d");
      const image = context.createImageData(width, height), cell = this.data.view.width / width;
      for (let i = 0; i < width * height; i++) {
        const x = this.back((i % width + .5) * cell, (Math.floor(i / width) + .5) * cell);
        image.data.set([...mixed(responsibilities(x, frame)), 255], 4 * i);
      }
      context.putImageData(image, 0, 0);
    }
  }

  customElements.define("variance-slider", VarianceSlider);
})();
