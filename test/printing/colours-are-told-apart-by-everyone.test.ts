/** About src/printing/html/page.ts and drawing.ts: every two colours that one plot may use, as colour-blind readers see them. */
import { describe, expect, it } from 'vitest';
import { lookOf } from '../../src/printing/html/drawing.js';
import { html } from '../../src/printing/html/markup.js';
import { htmlPage } from '../../src/printing/html/page.js';

type Vector = readonly number[];

/** Of linear RGB: what a dichromat sees (Machado, Oliveira and Fernandes, IEEE TVCG 15(6), 2009, table 1, severity 1). */
const VISION: Record<string, readonly Vector[]> = {
  'of most people': [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ],
  protanopia: [
    [0.152286, 1.052583, -0.204868],
    [0.114503, 0.786281, 0.099216],
    [-0.003882, -0.048116, 1.051998],
  ],
  deuteranopia: [
    [0.367322, 0.860646, -0.227968],
    [0.280085, 0.672501, 0.047413],
    [-0.01182, 0.04294, 0.968881],
  ],
  tritanopia: [
    [1.255528, -0.076749, -0.178779],
    [-0.078411, 0.930809, 0.147602],
    [0.004733, 0.691367, 0.3039],
  ],
};
/** Linear RGB of sRGB to CIE XYZ, of the white point D65 (IEC 61966-2-1). */
const XYZ = [
  [0.4124564, 0.3575761, 0.1804375],
  [0.2126729, 0.7151522, 0.072175],
  [0.0193339, 0.119192, 0.9503041],
];
const WHITE = [0.95047, 1, 1.08883];

const times = (matrix: readonly Vector[], vector: Vector) =>
  matrix.map((row) => row.reduce((sum, x, i) => sum + x * vector[i], 0));

function linear(colour: string): number[] {
  return [1, 3, 5].map((at) => {
    const part = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
}

/** CIELAB. */
function labOf(rgb: Vector): Vector {
  const [x, y, z] = times(XYZ, rgb).map((one, i) => {
    const t = one / WHITE[i];
    return t > 216 / 24389 ? Math.cbrt(t) : ((24389 / 27) * t + 16) / 116;
  });
  return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
}

const seen = (colour: string, vision: string) =>
  labOf(times(VISION[vision], linear(colour)).map((part) => Math.min(1, Math.max(0, part))));
const apart = (a: Vector, b: Vector) => Math.hypot(...a.map((part, i) => part - b[i]));

/** Contrast of WCAG 2. */
function contrast(a: string, b: string): number {
  const [less, more] = [a, b].map((one) => times(XYZ, linear(one))[1]).sort((p, q) => p - q);
  return (more + 0.05) / (less + 0.05);
}

const page = htmlPage({ title: 'A page', body: html`` });
/** The colours of a part of the style sheet. */
function coloursOf(part: string) {
  const at = page.indexOf(part);
  const rules = page.slice(at, page.indexOf('}', at));
  const of = (name: string) => new RegExp(`--${name}: (#[0-9a-f]+)`).exec(rules)?.[1] ?? '';
  const paper = of('paper').replace(/^#(.)(.)(.)$/, '#$1$1$2$2$3$3');
  return { paper, series: [0, 1, 2, 3, 4, 5].map((i) => of(`series-${i}`)) };
}

/** CIE 1976; about 2.3 is just seen (Mahy et al., Color Research and Application 19, 1994). */
const LEAST_DIFFERENCE = 25;
/** Of graphics, as WCAG 2 asks. */
const LEAST_CONTRAST = 3;

describe.each([
  ['in the light', '<style>'],
  ['in the dark', '@media (prefers-color-scheme: dark)'],
  ['in print', '@media print'],
])('colours of series %s', (_where, part) => {
  const { paper, series } = coloursOf(part);

  it.each(Object.keys(VISION))('differ two by two: %s', (vision) => {
    for (const [i, a] of series.entries())
      for (const b of series.slice(i + 1))
        expect(apart(seen(a, vision), seen(b, vision)), `${a} and ${b}`).toBeGreaterThan(LEAST_DIFFERENCE);
  });

  it('stand out from the paper', () => {
    for (const one of series) expect(contrast(one, paper), one).toBeGreaterThanOrEqual(LEAST_CONTRAST);
  });
});

it('no two kinds of a plot have one colour and one shape before all pairs are used', () => {
  const looks = Array.from({ length: 36 }, (_, i) => JSON.stringify(lookOf(i, 0)));
  expect(new Set(looks).size).toBe(36);
});
