// <variance-slider>: soft k-means at a variance that the reader's hand sets. The numbers come from
// mixlib.slider as JSON; here they are drawn. Without this script the element shows its own table.
(() => {
  const WIDTH = 640, PAD = 24, MARKS = ["circle", "square", "triangle", "diamond"];
  const STYLE = `
    :host { display: block; color: inherit; font: inherit; margin: 1rem 0; }
    .picture { position: relative; filter: brightness(var(--figure-brightness, 1)); }
    canvas { position: absolute; inset: 0; width: 100%; height: 100%; opacity: .22; border-radius: .4rem; }
    svg { position: relative; display: block; width: 100%; height: auto; }
    label, .ends { display: flex; justify-content: space-between; gap: 1rem; }
    label { margin-top: .75rem; font-weight: 600; }
    .ends { font-size: .85em; opacity: .85; }
    input { width: 100%; height: 2rem; margin: 0; accent-color: #0072B2; cursor: pointer; }
    input:focus-visible { outline: 3px solid currentColor; outline-offset: 2px; border-radius: .25rem; }
    p { margin: .5rem 0 0; min-height: 3.2em; font-variant-numeric: tabular-nums; }
    sub { line-height: 0; }`;

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

  function shape(mark, [x, y], r) {
    const polygon = points => `<polygon points="${points.map(([u, v]) => `${x + r * u},${y + r * v}`).join(" ")}"`;
    if (mark === "circle") return `<circle cx="${x}" cy="${y}" r="${r}"`;
    if (mark === "square") return polygon([[-.9, -.9], [.9, -.9], [.9, .9], [-.9, .9]]);
    if (mark === "triangle") return polygon([[0, -1.2], [1.1, .8], [-1.1, .8]]);
    return polygon([[0, -1.3], [1.3, 0], [0, 1.3], [-1.3, 0]]);
  }

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
      const [us, vs] = [0, 1].map(j => data.points.map(p => p[j]));
      const [left, right, bottom, top] = [Math.min(...us), Math.max(...us), Math.min(...vs), Math.max(...vs)];
      const [width, height] = [right - left || 1, top - bottom || 1], ratio = height / width;
      const drawn = ratio > 0.3 && ratio < 1.2 ? ratio : 0.7;      // else the axes get units of their own
      const u = (WIDTH - 2 * PAD) / width, v = u * drawn / ratio;
      this.height = Math.round((WIDTH - 2 * PAD) * drawn + 2 * PAD);
      this.place = p => [PAD + (p[0] - left) * u, PAD + (top - p[1]) * v];
      this.back = (a, b) => [left + (a - PAD) / u, top - (b - PAD) / v];
      this.near = 0.02 * Math.sqrt(data.critical);
      const last = data.frames.length - 1;
      this.attachShadow({ mode: "open" }).innerHTML = `<style>${STYLE}</style>
        <div class="picture"><canvas width="160" height="${Math.round(this.height / 4)}" aria-hidden="true"></canvas>
        <svg viewBox="0 0 ${WIDTH} ${this.height}" role="img"></svg></div>
        <label for="range"><span>Variance σ²</span><output for="range"></output></label>
        <input id="range" type="range" min="0" max="${last}" step="1" value="0">
        <div class="ends" aria-hidden="true"><span>large</span><span>→ 0: k-means</span></div>
        <p></p><div class="said" aria-live="polite" style="position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)"></div>`;
      this.part = name => this.shadowRoot.querySelector(name);
      this.find("svg").setAttribute("aria-label", this.getAttribute("description"));
      this.find("input").addEventListener("input", () => { this.draw(); this.say(); });
      this.draw();
    }

    // What the reader sees, in words.
    text({ variance, places, inertia, softObjective }) {
      const K = this.data.frames[0].means.length;
      const where = places === 1 ? `All ${K} centres stand at the mean of the points.`
        : places < K ? `The ${K} centres stand in ${places} places.` : `All ${K} centres have parted.`;
      return variance === 0 ? `k-means: every point belongs to its nearest centre. ${where} J = ${short(inertia)}.`
        : `σ² is ${short(variance / this.data.critical)} times the critical variance. ${where} `
          + `J = ${short(inertia)}; its soft form is ${short(softObjective)}.`;
    }

    say() {      // after the hand has come to rest, so that no reader is talked over
      clearTimeout(this.timer);
      this.timer = setTimeout(() => { this.find(".said").textContent = this.find("p").textContent; }, 700);
    }

    draw() {
      const { frames, points, colors, critical } = this.data, now = +this.find("input").value, frame = frames[now];
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
        ink += `${shape(MARKS[group(best) % MARKS.length], this.place(x), 5)} fill="rgb(${mixed(r)})" fill-opacity=".85"/>`;
      }
      frame.means.forEach((mean, k) => {
        const way = frames.slice(0, now + 1).map(f => this.place(f.means[k]).join(",")).join(" ");
        ink += `<polyline points="${way}" fill="none" stroke="rgb(${palette[k]})" stroke-width="2.5"/>`;
      });
      frame.means.forEach((mean, k) => {
        if (group(mean) < k) return;
        const rim = shape(MARKS[k % MARKS.length], this.place(mean), 11);
        ink += `${rim} fill="none" stroke="#fff" stroke-width="7"/>${rim} fill="rgb(${palette[k]})" stroke="#000" stroke-width="2"/>`;
      });
      this.find("svg").innerHTML = ink;
      const ratio = frame.variance ? `${short(frame.variance / critical)} λ_max` : "0 (k-means)";
      this.find("output").innerHTML = ratio.replace("λ_max", "λ<sub>max</sub>");
      this.find("input").setAttribute("aria-valuetext", ratio.replace("λ_max", "times the critical variance"));
      this.find("p").textContent = this.text(frame);
    }

    // Behind the points: the responsibilities of every place in the plane, as mixed colours.
    paint(frame, mixed) {
      const canvas = this.find("canvas"), { width, height } = canvas, context = canvas.getContext("2d");
      const image = context.createImageData(width, height), cell = WIDTH / width;
      for (let i = 0; i < width * height; i++) {
        const x = this.back((i % width + .5) * cell, (Math.floor(i / width) + .5) * cell);
        image.data.set([...mixed(responsibilities(x, frame)), 255], 4 * i);
      }
      context.putImageData(image, 0, 0);
    }
  }

  customElements.define("variance-slider", VarianceSlider);
})();
