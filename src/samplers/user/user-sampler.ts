/** A user's module as a sampler: loaded in a separate thread, its default export checked before it gets a model. */
import { existsSync } from 'node:fs';
import { extname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { z } from 'zod';
import { UsageError } from '../../errors.js';
import { FAMILIES } from '../../models/family.js';
import { sha256OfBytes } from '../../storage/digest.js';
import { MOST_BYTES, readSmallFile } from '../../storage/small-file.js';
import type { ResolvedSampler, Sampler } from '../sampler.js';
import { SamplerHost } from './sampler-host.js';

const ENDINGS = ['.mjs', '.js', '.cjs'];

/** A module's path has a slash or a known ending; a sampler's name has neither. */
export function isModulePath(spec: string): boolean {
  return /[\\/]/.test(spec) || ENDINGS.includes(extname(spec).toLowerCase());
}

const option = z
  .looseObject({
    default: z.union([z.number(), z.string(), z.boolean()]),
    summary: z.string(),
    min: z.number().optional(),
    max: z.number().optional(),
    choices: z.array(z.string()).optional(),
  })
  .refine(
    ({ default: value, choices }) => !choices || (typeof value === 'string' && choices.includes(value)),
    'its default must be one of its choices',
  );

/** A description holds the types of functions. */
const isFunction = (value: unknown) => value === 'function';

const shape = z.looseObject({
  name: z.string().regex(/^[a-z][a-z0-9-]*$/, 'lower-case letters, digits and hyphens'),
  summary: z.string(),
  families: z.array(z.enum(FAMILIES)).min(1),
  needs: z.literal('latent').optional(),
  options: z.record(z.string().regex(/^[a-z][a-z0-9-]*$/i), option).optional(),
  check: z.custom<'function'>(isFunction, 'it should be a function').optional(),
  sample: z.custom<'function'>(isFunction, 'it should be an async generator function'),
});

/** Running modules, by file and digest: like Node, this program keeps one instance of each. */
const running = new Map<string, { host: SamplerHost; sampler: Sampler }>();

/** @throws UsageError with a code for each way in which a module can fail to be a sampler   @throws FileError */
export async function loadUserSampler(path: string): Promise<ResolvedSampler> {
  const file = resolve(path);
  if (!existsSync(file)) {
    throw new UsageError({
      code: 'sampler-module-not-found',
      message: `There is no file ${path}, so it cannot be a sampler.`,
      hint: 'Give the path of a module, or one of the names that duo-eval samplers lists.',
    });
  }
  // Node would wait for a named pipe, and read a file of any size.
  const sha256 = sha256OfBytes(readSmallFile(file, MOST_BYTES.module));
  const key = `${sha256} ${file}`;
  const known = running.get(key);
  const found = known && !known.host.isOver ? known : await start(file, path);
  running.set(key, found);
  return { sampler: found.sampler, module: { path, sha256 } };
}

async function start(file: string, path: string) {
  const host = new SamplerHost(path, pathToFileURL(file).href);
  const parsed = shape.safeParse(await defaultExport(host, path));
  if (!parsed.success) {
    host.stop();
    const { path: keys, message } = parsed.error.issues[0];
    throw new UsageError({
      code: 'sampler-module-invalid',
      message: `The default export of ${path} is not a sampler: ${[keys.join('.'), message].filter(Boolean).join(': ')}.`,
      hint: 'It must be an object with name, summary, families and sample, an async generator function; docs/samplers.md has one.',
    });
  }
  const { check, ...facts } = parsed.data;
  const sampler: Sampler = {
    ...facts,
    ...(check !== undefined && { check: (setting) => host.check(setting) }),
    sample: (run, outside) => host.sample(run, outside!), // generate.ts always gives it
  };
  return { host, sampler };
}

async function defaultExport(host: SamplerHost, path: string): Promise<unknown> {
  try {
    return await host.load();
  } catch (cause) {
    host.stop();
    if (cause instanceof UsageError) throw cause;
    throw new UsageError({
      code: 'sampler-module-broken',
      message: `${path} cannot be loaded: ${cause instanceof Error ? cause.message : String(cause)}.`,
      hint: 'It must be a JavaScript module (.mjs) whose default export is a sampler.',
      cause,
    });
  }
}
