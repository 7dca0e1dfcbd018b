// <covariance-ellipse>: a normal density in the plane whose covariance the reader drags. Two handles are
// the ends of the half-axes; a third one is a point x, whose two distances from the mean are told.
const NormalPlane = (() => {
  // Sigma = l1 u u^T + l2 v v^T with u at this angle and v across, as [a, b, c] for [[a, b], [b, c]]
  const covariance = ([l1, l2], angle) => {
    const c = Math.cos(angle), s = Math.sin(angle);
    return [l1 * c * c + l2 * s * s, (l1 - l2) * c * s, l1 * s * s + l2 * c * c];
  };
  // Eigenvalues, the larger first, and the angle of its axis
  const axes = ([a, b, c]) => {
    const middle = (a + c) / 2, half = Math.hypot((a - c) / 2, b);
    return [[middle + half, middle - half], Math.atan2(2 * b, a - c) / 2];
  };
  // The squared Mahalanobis distance of x from the origin
  const mahalanobis = ([a, b, c], [u, v]) => (c * u * u - 2 * b * u * v + a * v * v) / (a * c - b * b);
  return { covariance, axes, mahalanobis };
})();

(() => {
  const SIDE = 480, REACH = 4, LEAST = 0.15, MOST = 1.9, NUDGE = 0.05;    // lengths in units of the plane
  const STYLE = `
    :host { display: block; color: inherit; font: inherit; font-size: .9rem; break-inside: avoid; }
    .both { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 15rem), 1fr)); gap: 1rem; align-items: center; }
    svg { display: block; width: 100%; height: auto; max-width: 26rem; margin-inline: auto;
      filter: brightness(var(--figure-brightness, 1)); }
    .handle { cursor: grab; touch-action: none; }
    .handle:focus-visible { outline: 3px solid currentColor; outline-offset: 2px; }
    dl { display: grid; grid-template-columns: auto 1fr; gap: .35rem .9rem; margin: 0; font-variant-numeric: tabular-nums; }
    dt { opacity: .85; } dd { margin: 0; }
    button { font: inherit; color: inherit; background: transparent; border: 1px solid #757575; border-radius: .35rem;
      padding: .35rem .6rem; min-height: 2.4rem; cursor: pointer; }
    button:focus-visible { outline: 3px solid currentColor; outline-offset: 2px; }
    sub, sup { line-height: 0; }
    @media print { button { display: none; } }`;
  const short = value => (Math.abs(value) < 5e-3 ? 0 : value).toFixed(2).replace("-", "−");
  const place = ([u, v]) => [SIDE / 2 + u * SIDE / (2 * REACH), SIDE / 2 - v * SIDE / (2 * REACH)];
  const held = (value, low, high) => Math.min(Math.max(value, low), high);

  class CovarianceEllipse extends HTMLElement {
    connectedCallback() {      // the script may run before the element's own content has been read
      if (this.shadowRoot) return;
      if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", () => this.open());
      else this.open();
    }

    open() {
      this.data = JSON.parse(this.querySelector("script").textContent);
      this.attachShadow({ mode: "open" }).innerHTML = `<style>${STYLE}</style><div class="both">
        <svg viewBox="0 0 ${SIDE} ${SIDE}" role="group"></svg>
        <div><dl aria-live="polite"></dl><p><button name="sphere">Make it a sphere</button>
          <button name="over">Start over</button></p></div></div>`;
      this.begin();
      this.listen();
    }

    begin() {
      [this.lengths, this.angle] = NormalPlane.axes(this.data.covariance);
      this.lengths = this.lengths.map(Math.sqrt);
      this.x = [...this.data.x];
      this.draw();
    }

    get covariance() { return NormalPlane.covariance(this.lengths.map(l => l * l), this.angle); }

    // Where the handles are: the ends of the half-axes of delta = 1, and x.
    ends() {
      const c = Math.cos(this.angle), s = Math.sin(this.angle), [l, m] = this.lengths;
      return [[l * c, l * s], [-m * s, m * c], this.x];
    }

    // Handle 0 or 1 goes to p: its axis takes this direction and length, the other stays across. Handle 2 is x.
    move(index, p) {
      if (index === 2) this.x = p.map(value => held(value, -REACH + 0.2, REACH - 0.2));
      else {
        this.lengths[index] = held(Math.hypot(...p), LEAST, MOST);
        this.angle = Math.atan2(p[1], p[0]) - index * Math.PI / 2;
      }
      this.draw();
    }

    draw() {
      const [a, b, c] = this.covariance, color = this.data.colors, ends = this.ends(), svg = this.shadowRoot.querySelector("svg");
      const focused = this.shadowRoot.activeElement?.dataset?.handle;
      const line = (p, q, rest) => `<line x1="${p[0]}" y1="${p[1]}" x2="${q[0]}" y2="${q[1]}" ${rest}/>`;
      const ring = rho => `<polygon fill="none" stroke="${color[1]}" stroke-width="2.5" points="${[...Array(72).keys()].map(i => {
        const [u, v] = [Math.cos(Math.PI * i / 36), Math.sin(Math.PI * i / 36)];
        return place([0, 1].map(j => rho * (u * ends[0][j] + v * ends[1][j]))).map(value => value.toFixed(1)).join(",");
      }).join(" ")}"/>`;
      const distance = Math.sqrt(NormalPlane.mahalanobis([a, b, c], this.x)), plain = Math.hypot(...this.x);
      const said = ["End of the first half-axis", "End of the second half-axis", "The point x"];
      svg.innerHTML = `<g stroke="#757575" stroke-width="1" opacity=".6">${line(place([-REACH, 0]), place([REACH, 0]), "")}${line(place([0, -REACH]), place([0, REACH]), "")}</g>
        ${ring(1)}${ring(2)}
        <polygon fill="none" stroke="${color[0]}" stroke-width="2" stroke-dasharray="6 5" points="${[...Array(72).keys()].map(i =>
          place([plain * Math.cos(Math.PI * i / 36), plain * Math.sin(Math.PI * i / 36)]).map(v => v.toFixed(1)).join(",")).join(" ")}"/>
        ${ends.map((end, i) => i < 2 ? line(place([0, 0]), place(end), `stroke="${color[1]}" stroke-width="2.5"`) : "").join("")}
        ${ends.map((end, i) => `<g class="handle" tabindex="0" role="button" data-handle="${i}"
          aria-label="${said[i]}, at ${short(end[0])}, ${short(end[1])}. Arrow keys move it.">
          <circle cx="${place(end)[0]}" cy="${place(end)[1]}" r="24" fill="transparent"/>
          <circle cx="${place(end)[0]}" cy="${place(end)[1]}" r="8" fill="${color[i === 2 ? 0 : 1]}" stroke="#fff" stroke-width="2"/></g>`).join("")}`;
      svg.setAttribute("aria-label", "The plane: ellipses at Mahalanobis distance 1 and 2 from the mean, and a circle around the mean through x");
      if (focused !== undefined) svg.querySelector(`[data-handle="${focused}"]`).focus();
      const [[l1, l2]] = NormalPlane.axes([a, b, c]), rows = [
        ["variances", `${short(a)} and ${short(c)}`],
        ["covariance", short(b)],
        ["eigenvalues", `${short(l1)} and ${short(l2)}`],
        ["determinant", short(a * c - b * b)],
        ["point <i>x</i>", `(${short(this.x[0])}, ${short(this.x[1])})`],
        ["Euclidean distance", short(plain)],
        ["Mahalanobis distance", short(distance)],
        ["log-density at <i>x</i>", short(-(distance ** 2) / 2 - Math.log(a * c - b * b) / 2 - Math.log(2 * Math.PI))]];
      this.shadowRoot.querySelector("dl").innerHTML = rows.map(([name, value]) => `<dt>${name}</dt><dd>${value}</dd>`).join("");
    }

    listen() {
      const svg = this.shadowRoot.querySelector("svg");
      let grabbed = null;
      const at = event => {
        const box = svg.getBoundingClientRect();
        return [2 * REACH * (event.clientX - box.left) / box.width - REACH, REACH - 2 * REACH * (event.clientY - box.top) / box.height];
      };
      svg.addEventListener("pointerdown", event => {
        const handle = event.target.closest(".handle");
        if (!handle) return;
        grabbed = +handle.dataset.handle;
        svg.setPointerCapture(event.pointerId);
      });
      svg.addEventListener("pointermove", event => { if (grabbed !== null) this.move(grabbed, at(event)); });
      for (const name of ["pointerup", "pointercancel"]) svg.addEventListener(name, () => { grabbed = null; });
      svg.addEventListener("keydown", event => {
        const by = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
        const index = event.target.dataset?.handle;
        if (!by || index === undefined) return;
        event.preventDefault();
        this.move(+index, this.ends()[index].map((value, j) => value + by[j] * NUDGE));
      });
      this.shadowRoot.addEventListener("click", event => {
        const name = event.target.name;
        if (name === "over") this.begin();
        if (name === "sphere") {
          this.lengths = [1, 1];
          this.draw();
        }
      });
    }
  }

  customElements.define("covariance-ellipse", CovarianceEllipse);
})();
