/* Shapes of marks, for every map; loaded before it. */
"use strict";
var xiangyouMarks = (function () {
  /* ---- shapes: outline of a mark of half-size s around x, y ---- */
  function polygon(ctx, x, y, points) {
    points.forEach(function (p, i) { if (i) { ctx.lineTo(x + p[0], y + p[1]); } else { ctx.moveTo(x + p[0], y + p[1]); } });
    ctx.closePath();
  }
  function starPoints(s) {
    var points = [], i, r, a;
    for (i = 0; i < 10; i += 1) {
      r = i % 2 ? s * 0.45 : s;
      a = Math.PI * (i / 5 - 0.5);
      points.push([r * Math.cos(a), r * Math.sin(a)]);
    }
    return points;
  }
  function housePoints(s) { return [[-s, -s * 0.1], [0, -s], [s, -s * 0.1], [s * 0.8, s * 0.85], [-s * 0.8, s * 0.85]]; }
  function squarePoints(s) { var h = s * 0.88; return [[-h, -h], [h, -h], [h, h], [-h, h]]; }
  var BOLT = [[0.25, -1], [-0.7, 0.15], [-0.1, 0.15], [-0.25, 1], [0.7, -0.2], [0.1, -0.2]];
  var SHAPES = {
    circle: function (ctx, x, y, s) { ctx.moveTo(x + s, y); ctx.arc(x, y, s, 0, 2 * Math.PI); },
    cross: function (ctx, x, y, s) { ctx.moveTo(x - s, y - s); ctx.lineTo(x + s, y + s); ctx.moveTo(x + s, y - s); ctx.lineTo(x - s, y + s); },
    square: function (ctx, x, y, s) { polygon(ctx, x, y, squarePoints(s)); },
    house: function (ctx, x, y, s) { polygon(ctx, x, y, housePoints(s)); },
    star: function (ctx, x, y, s) { polygon(ctx, x, y, starPoints(s)); },
    diamond: function (ctx, x, y, s) { polygon(ctx, x, y, [[0, -s], [s, 0], [0, s], [-s, 0]]); },
    bolt: function (ctx, x, y, s) { polygon(ctx, x, y, BOLT.map(function (p) { return [p[0] * s, p[1] * s]; })); },
    cells: function (ctx, x, y, s) {
      var h = s * 0.88;
      polygon(ctx, x, y, squarePoints(s));
      ctx.moveTo(x, y - h); ctx.lineTo(x, y + h); ctx.moveTo(x - h, y); ctx.lineTo(x + h, y);
    }
  };
  function paintMark(ctx, x, y, style, s) {
    ctx.beginPath();
    SHAPES[style.shape](ctx, x, y, s);
    if (style.is_struck) { ctx.moveTo(x - s, y + s); ctx.lineTo(x + s, y - s); }
    if (style.fill) { ctx.fillStyle = style.fill; ctx.fill(); }
    if (style.weight) { ctx.strokeStyle = style.stroke; ctx.lineWidth = style.weight; ctx.stroke(); }
  }
  return { paint: paintMark };
}());
