/* Draws one map a run, all moving together. Text from the data is only ever set as textContent. */
"use strict";
var xiangyouCompare = (function () {
  var data = JSON.parse(document.getElementById("xiangyou-compare").textContent);
  var panes = [], isMoving = false, by = "verdict";

  function element(tag, className, text) {
    var node = document.createElement(tag);
    if (className) { node.className = className; }
    if (text !== undefined) { node.textContent = text; }
    return node;
  }
  var Mark = L.CircleMarker.extend({
    _updatePath: function () {
      var renderer = this._renderer, scale = data.density;
      if (!renderer._drawing || this._empty()) { return; }
      renderer._ctx.globalAlpha = 1;
      xiangyouMarks.paint(renderer._ctx, this._point.x, this._point.y, this.options.look, this.options.look.size * scale);
    }
  });
  function tip(name, rows, heads) {
    var box = element("div", "xy-tip"), table = element("table");
    box.appendChild(element("b", "", name));
    rows.forEach(function (words, i) {
      if (words === "") { return; }
      var line = element("tr");
      line.appendChild(element("td", "", heads[i]));
      line.appendChild(element("td", "", words));
      table.appendChild(line);
    });
    box.appendChild(table);
    return box;
  }
  function withTips(group, about) {
    group.bindTooltip(function (part) { return tip(part.options.xyName, part.options.xyRows, data.heads[about]); },
      { direction: "auto", sticky: true, opacity: 1 });
    return group;
  }
  function base(pane) {
    var group = L.layerGroup(), look = { renderer: pane.baseCanvas, interactive: false };
    function area(rings, style) { rings.forEach(function (ring) { group.addLayer(L.polygon(ring, Object.assign({}, look, style))); }); }
    function line(paths, style) { if (paths.length) { group.addLayer(L.polyline(paths, Object.assign({}, look, style))); } }
    var b = data.background, c = data.colours;
    area(b.county || [], { color: c.county, weight: 1.8, fill: true, fillColor: c.ground, fillOpacity: 1 });
    area(b.water || [], { color: c.water, weight: 1, fill: true, fillColor: c.water, fillOpacity: 1 });
    line(b.rivers || [], { color: c.water, weight: 1.6, fill: false });
    line(b.roads || [], { color: "#cfc7b6", weight: 1, fill: false });
    area(b.township || [], { color: c.township, weight: 0.9, dashArray: "3 3", fill: false });
    return group;
  }
  function trips(pane, rows, style) {
    var group = L.featureGroup();
    rows.forEach(function (row) {
      if (row.path.length > 1) {
        group.addLayer(L.polyline(row.path, { renderer: pane.canvas, color: style.stroke, weight: style.weight, opacity: 1,
          fill: false, lineJoin: "round", xyName: row.name, xyRows: row.rows }));
      }
    });
    return withTips(group, "trips");
  }
  function marks(pane, rows, lookOf, about) {
    var group = L.featureGroup();
    rows.forEach(function (row) {
      var look = lookOf(row);
      group.addLayer(new Mark([row.lat, row.lon], { renderer: pane.canvas, radius: look.size, look: look, xyRow: row,
        xyName: row.name, xyRows: row.rows }));
    });
    return withTips(group, about);
  }
  function key(look, words) {
    var item = element("span", "xy-key"), sign = document.createElement("canvas"), ctx;
    sign.width = 40; sign.height = 40; sign.style.width = "20px"; sign.style.height = "20px";
    ctx = sign.getContext("2d"); ctx.scale(2, 2);
    xiangyouMarks.paint(ctx, 10, 10, look, Math.min(look.size, 8));
    item.appendChild(sign);
    item.appendChild(element("span", "", words));
    return item;
  }
  function villageLook(row) { return data.looks[row.by[by] || (row.served ? "same" : "unserved")]; }
  function recolour() {
    panes.forEach(function (pane) {
      pane.groups.villages.eachLayer(function (mark) { mark.options.look = villageLook(mark.options.xyRow); });
      pane.canvas._redraw();
      count(pane);
    });
  }
  function count(pane) {
    var counts = {};
    pane.groups.villages.eachLayer(function (mark) {
      var row = mark.options.xyRow, key = row.by[by] || (row.served ? "same" : "unserved");
      counts[key] = (counts[key] || 0) + 1;
    });
    pane.counts = counts;
    pane.legend.textContent = "";
    data.marks.forEach(function (one) {
      if (!counts[one[0]]) { return; }
      var words = pane.isFirst && one[0] === "same" ? data.servedWord : one[1];
      pane.legend.appendChild(key(data.looks[one[0]], words + " " + counts[one[0]]));
    });
  }
  function follow(source) {
    if (isMoving) { return; }
    isMoving = true;
    panes.forEach(function (pane) {
      if (pane.map !== source) { pane.map.setView(source.getCenter(), source.getZoom(), { animate: false }); }
    });
    isMoving = false;
  }
  function make(run, index) {
    var box = element("div", "xy-pane"), place = element("div", "xy-map"), pane = { isFirst: index === 0, groups: {} };
    box.appendChild(element("h3", "", run.title));
    box.appendChild(place);
    pane.legend = box.appendChild(element("div", "xy-legend"));
    document.getElementById("xiangyou-panes").appendChild(box);
    pane.map = L.map(place, { preferCanvas: true, maxZoom: 18, zoomSnap: 0.25, attributionControl: index === 0 });
    if (index === 0) { pane.map.attributionControl.setPrefix("Leaflet"); }
    pane.map.createPane("xy-base").style.zIndex = 350;
    pane.map.getPane("xy-base").style.pointerEvents = "none";
    pane.baseCanvas = L.canvas({ pane: "xy-base", padding: 0.3 });
    pane.canvas = L.canvas({ padding: 0.3, tolerance: 3 });
    pane.map.fitBounds(data.bounds, { padding: [10, 10], animate: false });
    pane.groups.base = base(pane);
    pane.groups.line_haul = trips(pane, run.line_haul, data.lines.line_haul);
    pane.groups.rounds = trips(pane, run.rounds, data.lines.rounds);
    pane.groups.sites_closed = marks(pane, run.sites_closed, function (row) { return row.look; }, "sites");
    pane.groups.sites_open = marks(pane, run.sites_open, function (row) { return row.look; }, "sites");
    pane.groups.villages = marks(pane, run.villages, villageLook, "villages");
    data.layers.forEach(function (layer) { if (layer[2]) { pane.map.addLayer(pane.groups[layer[0]]); } });
    pane.map.on("move zoomend", function () { follow(pane.map); });
    panes.push(pane);
    count(pane);
  }
  function order(pane) {
    data.layers.slice().reverse().forEach(function (layer) {
      var group = pane.groups[layer[0]];
      if (pane.map.hasLayer(group) && group.bringToFront) { group.bringToFront(); }
    });
  }
  function switches() {
    var box = document.getElementById("xiangyou-switches"), choice = element("select");
    box.appendChild(element("label", "", data.colourBy));
    data.criteria.forEach(function (one) {
      var option = element("option", "", one[1]);
      option.value = one[0];
      choice.appendChild(option);
    });
    choice.addEventListener("change", function () { by = choice.value; recolour(); });
    box.appendChild(choice);
    data.layers.forEach(function (layer) {
      var label = element("label", "xy-switch"), input = element("input");
      input.type = "checkbox"; input.checked = layer[2]; input.dataset.layer = layer[0];
      input.addEventListener("change", function () {
        panes.forEach(function (pane) {
          if (input.checked) { pane.map.addLayer(pane.groups[layer[0]]); order(pane); } else { pane.map.removeLayer(pane.groups[layer[0]]); }
        });
      });
      label.appendChild(input);
      label.appendChild(element("span", "", layer[1]));
      box.appendChild(label);
    });
  }
  data.runs.forEach(make);
  switches();
  data.siteKeys.forEach(function (one) { document.getElementById("xiangyou-sites").appendChild(key(one[0], one[1])); });
  panes.forEach(order);
  document.documentElement.dataset.ready = "yes";
  return { panes: panes, data: data, colour: function (key) { by = key; recolour(); } };
}());
