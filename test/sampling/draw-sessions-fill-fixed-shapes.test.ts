/** About src/sampling/draw-session.ts */
import { describe, expect, it } from 'vitest';
import { checkpoint, drawn, LENGTH } from './small-draws.js';

describe('a graph of fixed shape', () => {
  it('is called as often as its batch needs, and fills the last call', async () => {
    const free = await drawn({ checkpoint: checkpoint('duo', {}) }, 5);
    const fixed = await drawn({ checkpoint: checkpoint('duo', { batch: 2, length: LENGTH }) }, 5);
    expect(fixed).toEqual(free);
    expect(new Set(free.token).size).toBeGreaterThan(3);
  });

  it('takes shorter texts where what follows has no influence', async () => {
    const longer = { length: LENGTH + 3 };
    const fixed = await drawn({ checkpoint: checkpoint('ar', longer) }, 2);
    expect(fixed).toEqual(await drawn({ checkpoint: checkpoint('ar', {}) }, 2));
    await expect(drawn({ checkpoint: checkpoint('duo', longer) }, 2)).rejects.toMatchObject({
      code: 'fixed-length',
      hint: expect.stringContaining('--length 9'),
    });
  });
});
