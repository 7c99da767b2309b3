/**
 * Execution providers: where the runtime computes. `cpu` always works; `webgpu` and `cuda` need their libraries and drivers;
 * `auto` tries each in a separate process and takes the fastest that works.
 */
import { execFile } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { compiledFile } from '../compiled.js';
import { ModelError, UsageError } from '../errors.js';
import { checkShown, deviceFromEnvironment } from './device.js';
import { oneLine } from './runtime-error.js';

export const PROVIDERS = ['cpu', 'webgpu', 'cuda'] as const;
export type Provider = (typeof PROVIDERS)[number];

/**
 * A provider and one of its cards: `cuda:1` is the second that CUDA shows, `cuda` the first. Sessions are placed; results and what is kept
 * in the cache name the provider alone, since no figure depends on the card.
 */
export type Placement = Provider | `cuda:${number}`;

/** What `--provider` takes. */
export type ProviderChoice = Placement | 'webgpu:0' | 'auto';
/** What `--device` takes: a card, or `auto` for that of the local rank. */
export type DeviceChoice = number | 'auto';

export type ProviderReport =
  | { provider: Provider; works: true /** A matrix product of the probe. */; seconds: number }
  | { provider: Provider; works: false; reason: string; remedy: string };

/** A driver that does not answer within this time counts as not working. */
const PROBE_TIMEOUT_MS = 60_000;

/** Threads of a session by default. */
export function defaultThreads(): number {
  return availableParallelism();
}

/** The provider without its card. */
export function providerOf(placement: Placement): Provider {
  return placement.startsWith('cuda') ? 'cuda' : (placement as Provider);
}

/** The card that a placement names; null where it names none. */
export function deviceOf(placement: Placement): number | null {
  const [, device] = placement.split(':');
  return device === undefined ? null : Number(device);
}

/** Reads `cpu`, `webgpu`, `cuda`, `auto`, and with a card `cuda:1` and `webgpu:0`. @throws UsageError */
export function parseProvider(text: string): ProviderChoice {
  const [, name, device] = /^(cpu|webgpu|cuda|auto)(?::(.*))?$/s.exec(text) ?? [];
  const refuse = (message: string, hint: string) =>
    new UsageError({ code: 'invalid-provider', message, hint });
  if (name === undefined)
    throw refuse(
      `There is no provider "${text}".`,
      'Providers are cpu, webgpu, cuda and auto; cuda:1 names a card.',
    );
  if (device === undefined) return name as ProviderChoice;
  if (name === 'auto')
    throw refuse('auto takes no card.', 'Give the card beside it, --device 1, or name the provider: cuda:1.');
  if (!/^\d{1,4}$/.test(device))
    throw refuse(`"${text}" names no card.`, `Cards are counted from 0: ${name}:0.`);
  return placed(name as Provider, Number(device));
}

/** @throws UsageError where that provider does not let its card be chosen */
function placed(provider: Provider, device: number): Placement {
  if (provider === 'cuda') return `cuda:${device}`;
  if (provider === 'webgpu' && device === 0) return 'webgpu';
  throw provider === 'cpu'
    ? new UsageError({
        code: 'invalid-provider',
        message: `The provider cpu has no card ${device}: it has none.`,
        hint: 'Cards are those of --provider cuda. --threads says how much of the CPU is used.',
      })
    : new UsageError({
        code: 'invalid-provider',
        message: `webgpu:${device} cannot be had: the runtime takes the fastest card that WebGPU finds, and lets no other be named.`,
        hint: 'webgpu:0 is that card. Show the process one card alone, as a container or VK_DRIVER_FILES does, or use --provider cuda.',
      });
}

/** @throws UsageError where CUDA does not show the card */
function shown(placement: Placement): Placement {
  const device = deviceOf(placement);
  if (device !== null) checkShown(device);
  return placement;
}

/**
 * Resolves `--provider` and `--device` on this machine: `auto` by probing, any other to itself.
 * @throws UsageError for a card that cannot be chosen
 */
export async function resolveProvider({
  provider: choice = 'cpu',
  device,
}: {
  provider?: ProviderChoice;
  device?: DeviceChoice;
}): Promise<Placement> {
  const named = parseProvider(choice);
  if (device === undefined && named !== 'auto') return shown(named as Placement);
  if (named.includes(':') && device !== undefined)
    throw new UsageError({
      code: 'device-given-twice',
      message: `--provider ${choice} names a card, and so does --device ${device}.`,
      hint: `Give one of them: --provider cuda --device ${device}.`,
    });
  // A script may say --device auto wherever it runs.
  if (named === 'cpu' && device === 'auto') return 'cpu';
  const card = device === 'auto' ? deviceFromEnvironment() : device;
  if (named !== 'auto')
    return shown(card === undefined ? (named as Placement) : placed(named as Provider, card));
  const cuda = shown(card === undefined ? 'cuda' : placed('cuda', card));
  // A card past the first cannot be asked of WebGPU.
  const tried = await Promise.all([cuda, ...(card ? [] : (['webgpu'] as const))].map(probeProvider));
  const working = tried.filter((report) => report.works);
  if (working.length === 0) return 'cpu';
  const candidates = [...working, await probeProvider('cpu')].filter((report) => report.works);
  candidates.sort((a, b) => a.seconds - b.seconds); // a driver that emulates a GPU is slower than the CPU itself
  const fastest = candidates[0].provider;
  return fastest === 'cuda' ? cuda : fastest;
}

/** Runs a small graph on a provider in a separate process, so that a driver crash does no further harm. */
export async function probeProvider(placement: Placement): Promise<ProviderReport> {
  const provider = providerOf(placement);
  const script = compiledFile('models/provider-probe.js');
  const { stdout, failure } = await new Promise<{ stdout: string; failure: string | null }>((resolve) => {
    const options = { timeout: PROBE_TIMEOUT_MS, killSignal: 'SIGKILL' } as const;
    execFile(process.execPath, [script, placement], options, (error, output) => {
      const crash = error?.signal ? `the driver ended with ${error.signal}` : 'the driver crashed';
      const late = `no answer in ${PROBE_TIMEOUT_MS / 1000} s`;
      resolve({ stdout: output, failure: error ? (error.killed ? late : crash) : null });
    });
  });
  const answer = lastJson(stdout);
  if (answer?.seconds !== undefined) return { provider, works: true, seconds: answer.seconds };
  const reason = answer?.message ?? failure ?? 'it gave no answer';
  return { provider, works: false, reason: oneLine(reason), remedy: remedyFor(provider) };
}

/** The error of a session that was not created because of its provider; null where the model is at fault. @param raw the runtime's message */
export function providerFailure(placement: Placement, raw: string): ModelError | null {
  const isOfProvider =
    /shared library|backend not found|AppendExecutionProvider|WebGPU|adapter|CUDA|cudnn|cublas|provider_bridge|vulkan/i;
  if (placement === 'cpu' || !isOfProvider.test(raw)) return null;
  const device = deviceOf(placement);
  if (device !== null && /invalid device (ordinal|id)/i.test(raw))
    return new ModelError({
      code: 'no-such-device',
      message: `There is no ${placement} on this machine: ${oneLine(raw)}`,
      hint: 'Cards are counted from 0; nvidia-smi -L lists them. Or let --device auto choose.',
    });
  return new ModelError({
    code: 'provider-unavailable',
    message: `The provider ${placement} does not work on this machine: ${oneLine(raw)}`,
    hint: `${remedyFor(providerOf(placement))} Or use --provider cpu. duo-eval doctor shows what works.`,
  });
}

/** What to install where a provider does not work. */
function remedyFor(provider: Provider): string {
  switch (provider) {
    case 'cuda':
      return process.platform === 'linux' && process.arch === 'x64'
        ? 'Install an NVIDIA driver, CUDA 12 and cuDNN 9, and fetch the CUDA libraries of onnxruntime-node by running its install script: npm rebuild onnxruntime-node --ignore-scripts=false --foreground-scripts.'
        : 'onnxruntime-node has CUDA for Linux on x64 only.';
    case 'webgpu':
      return process.platform === 'linux'
        ? 'Install a Vulkan loader (libvulkan1) and the Vulkan driver of the graphics card (for example mesa-vulkan-drivers).'
        : 'Install a current driver of the graphics card.';
    default:
      return 'Install onnxruntime-node again: npm ci.';
  }
}

function lastJson(stdout: string): { seconds: number } | { message: string; seconds?: never } | null {
  const line = stdout.trim().split('\n').at(-1) ?? '';
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}

/** WebGPU has no float64. */
export const hasDouble = (provider: Placement): boolean => provider !== 'webgpu';
