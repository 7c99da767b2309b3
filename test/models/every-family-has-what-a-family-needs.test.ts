/** About src/models/family.ts: what CONTRIBUTING.md lists under "Add a family" is there for each. */
import { describe, expect, it } from 'vitest';
import { appendDrawHead, DRAW } from '../../src/diffusion/heads/draw.js';
import { HEAD } from '../../src/diffusion/heads/head.js';
import { appendLossHead } from '../../src/diffusion/heads/losses.js';
import {
  besidesDraw,
  FAMILIES,
  type Family,
  isDiffusion,
  isInSteps,
  isMasked,
  isMixed,
  isUniformState,
  usesMask,
} from '../../src/models/family.js';
import { samplersFor } from '../../src/samplers/registry.js';
import { smallNetwork } from '../graph/small-network.js';
import { read } from '../structure/source-files.js';

const VOCABULARY = 17;
const options = (family: Family) => ({
  logits: 'logits',
  vocabSize: VOCABULARY,
  maskTokenId: usesMask(family) ? VOCABULARY - 1 : null,
  inBlocks: false,
});

/** Names of what a network with the head takes and returns. */
function ends(append: (graph: ReturnType<typeof smallNetwork>) => void) {
  const graph = smallNetwork({ vocabSize: VOCABULARY, width: 4 });
  append(graph);
  const names = (values: { name: string }[]) => values.map(({ name }) => name);
  return { takes: names(graph.proto.input), returns: names(graph.proto.output) };
}
const withLoss = (family: Family) => ends((graph) => appendLossHead(graph, family, options(family)));
const withDraw = (family: Family) => ends((graph) => appendDrawHead(graph, family, options(family)));

describe.each(FAMILIES)('%s', (family) => {
  it('has a loss: at masked positions where it masks, at every position otherwise', () => {
    const { takes, returns } = withLoss(family);
    expect(returns).toContain(HEAD.loss);
    expect(takes.includes(HEAD.rows)).toBe(isMasked(family));
    expect(takes.includes(HEAD.oneMinusAlpha)).toBe(isDiffusion(family));
    expect(takes.includes(HEAD.nextOneMinusAlpha)).toBe(isInSteps(family));
  });

  it('has a draw, which returns what a step of it needs', () => {
    const { takes, returns } = withDraw(family);
    expect(returns).toEqual(expect.arrayContaining([DRAW.token, DRAW.probability]));
    expect(takes.includes(DRAW.rows)).toBe(family !== 'ar');
    expect(returns.includes(DRAW.present)).toBe(besidesDraw(family) === 'present');
    expect(returns.includes(DRAW.logSumExp)).toBe(besidesDraw(family) === 'scoreSum');
  });

  it('has a sampler, and a line in the pages', () => {
    expect(samplersFor(family)).not.toEqual([]);
    expect(read('CONTRIBUTING.md')).toMatch(new RegExp(`^\\| _family_ .*\`${family}\``, 'm'));
    expect(read('docs/models.md')).toMatch(new RegExp(`^\\| \`family\` .*\`${family}\``, 'm'));
  });

  it('has noise of one kind, or none', () => {
    const kinds = [isMasked(family), isUniformState(family), isMixed(family), !isDiffusion(family)];
    expect(kinds.filter(Boolean)).toHaveLength(1);
  });
});
