/** `/v1/denoise`: a text with gaps, filled, and told after every step of its way from noise. The page at `/` shows it. */

import type { z } from 'zod';
import { UsageError } from '../errors.js';
import { isDiffusion, isInBlocks } from '../models/family.js';
import { RequestFailure } from './failures.js';
import type { denoiseRequest } from './requests.js';
import type { ServedModel } from './served-model.js';
import { canvasOf, drawnSeed, drawSetting } from './writing.js';

type DenoiseRequest = z.infer<typeof denoiseRequest>;

const DEFAULT_TOKENS = 48;

/** Steps are told as what they changed: [position, token, its text] each; a mask is null. */
type Change = [number, number | null, string];

/**
 * @param send receives `{start}` first, `{step, changes}` after each step and `{done}` at last
 * @throws RequestFailure, UsageError, and what the network throws; what is wrong with the request before anything is sent
 */
export async function answerDenoising(
  model: ServedModel,
  request: DenoiseRequest,
  signal: AbortSignal,
): Promise<(send: (event: object) => void) => Promise<void>> {
  const { tokens, fixed } = await givenOf(model, request);
  const count = fixed.reduce((sum, one) => sum + 1 - one, 0);
  if (count === 0)
    throw new RequestFailure(
      400,
      'nothing-to-write',
      'Every token is given: leave some of them open (null).',
    );
  const seed = request.seed ?? drawnSeed();
  const setting = await drawSetting(model, request, { count, length: tokens.length, stopsAtEos: false });
  const { maskTokenId, family } = model.checkpoint;
  return async (send) => {
    send({
      start: {
        length: tokens.length,
        fixed: Array.from(fixed),
        family,
        seed,
        steps: setting.steps,
        sampler: setting.sampler,
      },
    });
    let before: Int32Array | null = null;
    const told = (step: number, now: Int32Array) => {
      const changes: Change[] = [];
      for (const [at, token] of now.entries()) {
        if (before?.[at] === token) continue;
        const isOpen = token === maskTokenId || (!isDiffusion(family) && !fixed[at] && before === null);
        changes.push([at, isOpen ? null : token, isOpen ? '' : model.piece(token)]);
      }
      before = now.slice();
      send({ step, changes });
    };
    const drawn = await model.draws.draw({
      setting,
      row: { seed, sample: 0, tokens, fixed, told: true },
      signal,
      told,
    });
    send({
      done: { tokens: Array.from(drawn.tokens), text: model.decode(drawn.tokens), calls: drawn.calls },
    });
  };
}

async function givenOf(
  model: ServedModel,
  request: DenoiseRequest,
): Promise<{ tokens: Int32Array; fixed: Uint8Array }> {
  const { tokens: sent, prompt = '' } = request;
  if (sent === undefined) {
    const ids = await model.encode(prompt);
    model.checkIds(ids, 'The prompt');
    const most = model.drawnLength ?? Number.POSITIVE_INFINITY;
    const count = request.max_tokens ?? Math.max(1, Math.min(DEFAULT_TOKENS, most - ids.length - 1));
    return canvasOf(model, model.read(ids, count, model.drawnLength).read, count);
  }
  const { fixedLength } = model.checkpoint.signature;
  const most = model.drawnLength;
  if ((most !== null && sent.length > most) || (fixedLength !== null && sent.length !== fixedLength)) {
    throw new UsageError({
      code: 'too-many-tokens',
      message: `"tokens" has ${sent.length} places; a text of ${model.name} has ${fixedLength ?? most}.`,
      hint: 'Leave out "tokens" that need not be there.',
    });
  }
  const given = sent.flatMap((token) => (token === null ? [] : [token]));
  model.checkIds(given, '"tokens"');
  const { family } = model.checkpoint;
  const gap = sent.indexOf(null);
  if (
    (!isDiffusion(family) || isInBlocks(family)) &&
    gap >= 0 &&
    sent.slice(gap).some((token) => token !== null)
  ) {
    throw new UsageError({
      code: 'infill-from-left',
      message: `${model.name} writes from left to right: it cannot fill in before given tokens.`,
      hint: 'Give tokens at the beginning alone, or serve a model of masked or uniform-state diffusion.',
    });
  }
  return {
    tokens: Int32Array.from(sent, (token) => token ?? 0),
    fixed: Uint8Array.from(sent, (token) => Number(token !== null)),
  };
}
