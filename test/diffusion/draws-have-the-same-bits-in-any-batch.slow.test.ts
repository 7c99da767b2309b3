import ort from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { appendDrawHead, DRAW, drawsAtRows } from '../../src/diffusion/heads/draw.js';
import { prune } from '../../src/graph/prune.js';
import { int64 } from '../graph/run-graph.js';
import { smallNetwork } from '../graph/small-network.js';
import { drawnFrom, someNormals } from './drawn-from.js';

const FAMILIES = ['ar', 'mdlm', 'sedd', 'duo'] as const;

describe.each(FAMILIES)('%s, given logits', (family) => {
  it.each([3, 257, 1031])('of %d tokens', async (vocabSize) => {
    const rows = 26;
    const logits = Float32Array.from(someNormals(rows * vocabSize), (g) => 3 * g);
    const uniforms = Float64Array.from({ length: rows }, (_, r) => (r * 0.6180339887498949) % 1);
    const draw = async (from: number, to: number, threads: number) => {
      const drawn = await drawnFrom({
        family,
        vocabSize,
        maskTokenId: family === 'duo' ? null : vocabSize - 1,
        logits: logits.slice(from * vocabSize, to * vocabSize),
        uniforms: uniforms.slice(from, to),
        present: Array.from({ length: to - from }, (_, i) => (from + i) % vocabSize),
        temperature: 0.9,
        topP: 0.95,
        threads,
      });
      return Array.from({ length: to - from }, (_, i) => Object.values(drawn).map((values) => values?.[i]));
    };
    const whole = await draw(0, rows, 1);
    expect(new Set(whole.map(([token]) => token)).size).toBeGreaterThan(1);
    for (const [size, threads] of [
      [1, 1],
      [5, 3],
      [26, 2],
    ]) {
      const parts: unknown[] = [];
      for (let from = 0; from < rows; from += size) {
        parts.push(...(await draw(from, Math.min(rows, from + size), threads)));
      }
      expect(parts).toEqual(whole);
    }
  });
});

describe.each(FAMILIES)('%s, in blocks of rows', (family) => {
  const vocabSize = 4099; // wide enough for blocks
  const mask = vocabSize - 1;
  const length = 150; // 450 positions of three sequences: the last block is not full
  const masked = family === 'mdlm' || family === 'sedd';
  const token = (s: number, l: number) => (s * 1009 + l * 37) % mask;

  async function draw(session: ort.InferenceSession, sequences: readonly number[]): Promise<number[][]> {
    const batch = sequences.length;
    const places = sequences.flatMap((s, b) => Array.from({ length }, (_, l) => ({ s, b, l })));
    const rows = masked ? places.filter(({ l }) => l % 3 === 1) : places;
    const dims = drawsAtRows(family) ? [rows.length] : [batch, length];
    const uniforms = Float64Array.from(rows, ({ s, l }) => ((s * length + l) * 0.6180339887498949) % 1);
    const ids = places.map(({ s, l }) => (masked && l % 3 === 1 ? mask : token(s, l)));
    const feeds: Record<string, ort.Tensor> = {
      input_ids: int64(ids, [batch, length]),
      [DRAW.uniforms]: new ort.Tensor('float64', uniforms, dims),
      [DRAW.greedy]: new ort.Tensor('bool', Uint8Array.of(0), []),
    };
    if (drawsAtRows(family)) {
      const pairs = rows.flatMap(({ b, l }) => [b, l]);
      feeds[DRAW.rows] = int64(pairs, [rows.length, 2]);
    }
    const outputs = await session.run(feeds);
    return Object.values(outputs).map(({ data }) => Array.from(data as ArrayLike<number>, Number));
  }

  it('whatever shares the call', async () => {
    const graph = smallNetwork({ vocabSize, width: 8 });
    const maskTokenId = masked ? mask : null;
    appendDrawHead(graph, family, { logits: 'logits', vocabSize, maskTokenId });
    prune(graph.proto);
    const operators = graph.proto.node.map(({ opType }) => opType);
    expect(operators).toContain('Scan');
    expect(operators).not.toContain('MatMul');
    const session = await ort.InferenceSession.create(graph.toBytes(), { logSeverityLevel: 4 });
    const together = await draw(session, [0, 1, 2]);
    const [first, rest] = [await draw(session, [0]), await draw(session, [1, 2])];
    await session.release();
    expect(first.map((values, i) => [...values, ...rest[i]])).toEqual(together);
    expect(together[1].every((probability) => probability > 0)).toBe(true);
  });
});
