/* Draws the map from the page's data block. Text from the data is only ever set as textContent. */
"use strict";
var xiangyou = (function () {
  var data = JSON.parse(document.getElementById("xiangyou-data").textContent);
  var map = null, canvas = null, baseCanvas = null, labelBox = null;
  var drawn = [];

  var paintMark = xiangyouMarks.paint;

  /* Marks grow a little as one zooms in, so that a county view stays readable. */
  function markScale() {
    var from = xiangyou.fitZoom || 10;
    return Math.max(0.75, Math.min(1.7, 1 + (map.getZoom() - from) * 0.16)) * xiangyou.density;
  }
  var Mark = L.CircleMarker.extend({
    _updatePath: function () {
      var renderer = this._renderer;
      if (!renderer._drawing || this._empty()) { return; }
      renderer._ctx.globalAlpha = 1;
      paintMark(renderer._ctx, this._point.x, this._point.y, this.options.look, this._radius);
    },
    _project: function () {
      var shift = this.options.shift, scale = markScale();
      this._radius = this.options.look.size * scale;
      L.CircleMarker.prototype._project.call(this);
      if (shift) { this._point = this._point.add([shift[0] * scale, shift[1] * scale]); this._updateBounds(); }
    }
  });

  /* ---- tooltips: built from columns, text only ---- */
  function element(tag, className, text) {
    var node = document.createElement(tag);
    if (className) { node.className = className; }
    if (text !== undefined) { node.textContent = text; }
    return node;
  }
  function tip(layer, index) {
    var box = element("div", "xy-tip"), table = element("table");
    box.appendChild(element("b", "", layer.names[index]));
    layer.tips.forEach(function (row) {
      if (row[1][index] === "") { return; }
      var line = element("tr");
      line.appendChild(element("td", "", row[0]));
      line.appendChild(element("td", "", row[1][index]));
      table.appendChild(line);
    });
    box.appendChild(table);
    return box;
  }

  /* ---- layers ---- */
  function marks(layer, group) {
    var columns = layer.data;
    columns.lat.forEach(function (lat, i) {
      var look = columns.look ? layer.classes[columns.look[i]][2] : layer.style;
      group.addLayer(new Mark([lat, columns.lon[i]], {
        renderer: canvas, radius: look.size, look: look, xyIndex: i, interactive: layer.interactive,
        shift: columns.dx && (columns.dx[i] || columns.dy[i]) ? [columns.dx[i], columns.dy[i]] : null
      }));
    });
  }
  function lineStyle(layer, i) {
    var style = layer.style;
    return {
      renderer: layer.interactive ? canvas : baseCanvas, interactive: layer.interactive, fill: false, xyIndex: i,
      color: style.strokes ? style.strokes[i] : style.stroke, weight: style.weights ? style.weights[i] : style.weight,
      opacity: style.opacity, dashArray: style.dash || null, lineJoin: "round", smoothFactor: 0.6
    };
  }
  function lines(layer, group) {
    layer.data.paths.forEach(function (path, i) { if (path.length) { group.addLayer(L.polyline(path, lineStyle(layer, i))); } });
  }
  function areas(layer, group) {
    var style = layer.style;
    layer.data.rings.forEach(function (rings) {
      group.addLayer(L.polygon(rings, {
        renderer: baseCanvas, interactive: false, color: style.stroke, weight: style.weight, dashArray: style.dash || null,
        opacity: 1, fill: Boolean(style.fill), fillColor: style.fill, fillOpacity: style.opacity, smoothFactor: 0.5
      }));
    });
  }
  function countDrawn(layer, group) {
    if (layer.id === "coverage") { return layer.count; } /* one merged area; the legend counts its points */
    if (layer.style.strokes) { return layer.data.paths.reduce(function (n, p) { return n + p.length; }, 0); }
    if (layer.kind === "lines" && layer.group === "base") { return layer.data.paths[0].length; }
    return group.getLayers().length;
  }
  function add(index) {
    var layer = data.layers[index], group = L.featureGroup();
    ({ marks: marks, lines: lines, area: areas })[layer.kind](layer, group);
    if (layer.interactive) {
      group.bindTooltip(function (part) { return tip(layer, part.options.xyIndex); },
        { sticky: layer.kind === "lines", direction: "auto", offset: [10, 0], opacity: 1 });
      if (layer.kind === "lines") { highlight(group, layer.style.weight); }
    }
    drawn.push({ layer: layer, group: group, count: countDrawn(layer, group) });
    if (layer.shown) { map.addLayer(group); }
  }
  function highlight(group, weight) {
    group.on("mouseover", function (event) { event.layer.setStyle({ weight: weight + 2.5 }); });
    group.on("mouseout", function (event) { event.layer.setStyle({ weight: weight }); });
  }
  function toggle(entry, isOn) {
    if (isOn) { map.addLayer(entry.group); } else { map.removeLayer(entry.group); }
    drawn.forEach(function (other) { if (map.hasLayer(other.group)) { other.group.bringToFront(); } });
  }

  /* ---- place names: greedy, most important first, none over another ---- */
  function labelSize(rank) { return [13.5, 13, 11.5][rank]; }
  function villageLabelsFit(view) {
    var count = 0, L0 = data.labels;
    L0.lat.forEach(function (lat, i) { if (L0.rank[i] === 2 && view.contains([lat, L0.lon[i]])) { count += 1; } });
    return count <= data.maxVillageLabels;
  }
  function placeLabels() {
    var labels = data.labels, view = map.getBounds().pad(0.02), taken = [], ctx = canvas._ctx, withVillages = villageLabelsFit(view);
    labelBox.textContent = "";
    labels.text.forEach(function (text, i) {
      var rank = labels.rank[i], where = [labels.lat[i], labels.lon[i]];
      if ((rank === 2 && !withVillages) || !view.contains(where)) { return; }
      var size = labelSize(rank), point = map.latLngToLayerPoint(where), gap = [13, 9, 6][rank] * markScale();
      ctx.save(); ctx.font = (rank < 2 ? "700 " : "") + size + "px sans-serif";
      var half = ctx.measureText(text).width / 2 + 3; ctx.restore();
      var box = [point.x - half, point.y + gap, point.x + half, point.y + gap + size * 1.25];
      if (taken.some(function (o) { return box[0] < o[2] && box[2] > o[0] && box[1] < o[3] && box[3] > o[1]; })) { return; }
      taken.push(box);
      var node = element("div", "xy-label xy-rank-" + rank, text);
      node.style.left = point.x + "px"; node.style.top = box[1] + "px";
      labelBox.appendChild(node);
    });
  }

  /* ---- panel ---- */
  function symbol(layer, look) {
    var node = document.createElement("canvas"), ratio = 2, style = look || layer.style, ctx, size;
    node.width = 28 * ratio; node.height = 20 * ratio; node.style.width = "28px"; node.style.height = "20px";
    ctx = node.getContext("2d"); ctx.scale(ratio, ratio);
    if (layer.kind === "marks") {
      size = Math.min(style.size, 8.5);
      paintMark(ctx, 14, 10, style, size);
    } else if (layer.kind === "lines") {
      ctx.strokeStyle = style.stroke; ctx.lineWidth = Math.min(style.weight, 3.5); ctx.setLineDash((style.dash || "").split(" ").map(Number).filter(Boolean));
      ctx.beginPath(); ctx.moveTo(2, 10); ctx.lineTo(26, 10); ctx.stroke();
    } else {
      if (style.fill) { ctx.globalAlpha = Math.min(1, style.opacity * (style.opacity < 1 ? 2 : 1)); ctx.fillStyle = style.fill; ctx.fillRect(3, 4, 22, 12); ctx.globalAlpha = 1; }
      ctx.strokeStyle = style.stroke; ctx.lineWidth = style.weight; ctx.setLineDash((style.dash || "").split(" ").map(Number).filter(Boolean));
      ctx.strokeRect(3, 4, 22, 12);
    }
    return node;
  }
  function legendRow(entry) {
    var row = element("label", "xy-row"), box = element("input");
    box.type = "checkbox"; box.checked = entry.layer.shown; box.dataset.layer = entry.layer.id;
    row.dataset.layer = entry.layer.id;
    row.classList.toggle("xy-off", !box.checked);
    box.addEventListener("change", function () { row.classList.toggle("xy-off", !box.checked); toggle(entry, box.checked); });
    row.appendChild(box);
    row.appendChild(entry.layer.classes.length ? element("i") : symbol(entry.layer));
    row.appendChild(element("span", "", entry.layer.label));
    row.appendChild(element("span", "xy-count", entry.layer.count.toLocaleString("en-US")));
    return row;
  }
  function classRow(entry, one) {
    var row = element("div", "xy-class");
    row.appendChild(symbol(entry.layer, one[2]));
    row.appendChild(element("span", "", one[0]));
    row.appendChild(element("span", "xy-count", one[1].toLocaleString("en-US")));
    return row;
  }
  function classCounts(id) {
    var entry = drawn.filter(function (other) { return other.layer.id === id; })[0];
    return entry.layer.classes.map(function (one) {
      return entry.group.getLayers().filter(function (mark) { return mark.options.look === one[2]; }).length;
    });
  }
  function list(title, lines, id) {
    var part = element("section"), items = element("ul", "xy-notes");
    part.id = id;
    part.appendChild(element("h2", "", title));
    lines.forEach(function (line) { items.appendChild(element("li", "", line)); });
    part.appendChild(items);
    return part;
  }
  function facts() {
    var box = element("dl", "xy-facts");
    data.facts.forEach(function (fact) {
      var item = element("div", "xy-fact"), value = element("dd", "", fact[1]);
      item.appendChild(element("dt", "", fact[0]));
      value.appendChild(element("small", "", fact[2]));
      item.appendChild(value); box.appendChild(item);
    });
    return box;
  }
  function panel() {
    var box = document.getElementById("xiangyou-panel");
    box.appendChild(element("h1", "", data.title));
    box.appendChild(element("p", "xy-subtitle", data.subtitle));
    if (data.invented) { box.appendChild(element("div", "xy-invented", data.invented)); }
    box.appendChild(facts());
    box.appendChild(element("h2", "", data.legendTitle));
    data.groups.forEach(function (group) {
      var entries = drawn.filter(function (entry) { return entry.layer.group === group[0]; }).reverse();
      if (!entries.length) { return; }
      box.appendChild(element("h3", "", group[1]));
      entries.forEach(function (entry) {
        var row = box.appendChild(legendRow(entry)), part = box.appendChild(element("div"));
        entry.layer.classes.slice().reverse().forEach(function (one) { part.appendChild(classRow(entry, one)); });
        part.hidden = !entry.layer.shown;
        row.addEventListener("change", function () { part.hidden = !map.hasLayer(entry.group); });
      });
    });
    box.appendChild(list(data.notesTitle, data.notes, "xiangyou-notes"));
    box.appendChild(list(data.sourcesTitle, data.sources, "xiangyou-sources"));
    box.appendChild(element("p", "xy-version", data.version));
  }

  function start(leafletMap) {
    map = leafletMap;
    var count = data.labels.rank.filter(function (rank) { return rank === 2; }).length;
    xiangyou.density = count > 4000 ? 0.55 : count > 1500 ? 0.7 : count > 500 ? 0.85 : 1;
    map.attributionControl.setPrefix("Leaflet");
    data.attributions.forEach(function (line) {
      map.attributionControl.addAttribution(element("span", "", line).innerHTML);
    });
    L.control.scale({ imperial: false, maxWidth: 140 }).addTo(map);
    map.createPane("xy-base").style.zIndex = 350;
    map.getPane("xy-base").style.pointerEvents = "none";
    map.createPane("xy-labels").style.zIndex = 620;
    labelBox = map.getPane("xy-labels");
    labelBox.style.pointerEvents = "none";
    baseCanvas = L.canvas({ pane: "xy-base", padding: 0.3 });
    canvas = L.canvas({ padding: 0.3, tolerance: 3 });
    map.fitBounds(data.bounds, { padding: [16, 16], animate: false });
    xiangyou.fitZoom = map.getZoom();
    map.addLayer(canvas);
  }
  function finish() {
    panel();
    map.on("zoomend moveend resize viewreset", placeLabels);
    placeLabels();
    document.title = data.title;
    document.documentElement.dataset.ready = "yes";
  }
  function counts() {
    var result = {};
    drawn.forEach(function (entry) { result[entry.layer.id] = entry.count; });
    return result;
  }
  return { start: start, add: add, finish: finish, counts: counts, classCounts: classCounts, density: 1, fitZoom: 10,
    map: function () { return map; }, layers: function () { return drawn; } };
}());
