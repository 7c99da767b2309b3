/**
 * Execution providers: where the runtime computes. `cpu` always works; `webgpu` and `cuda` need their libraries and drivers;
 * `auto` tries each in a separate process and takes the fastest that works.
 */
import { execFile } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { compiledFile } from '../compiled.js';
import { ModelError } from '../errors.js';
import { oneLine } from './runtime-error.js';

export const PROVIDERS = ['cpu', 'webgpu', 'cuda'] as const;
export type Provider = (typeof PROVIDERS)[number];

const PROVIDER_CHOICES = ['cpu', 'webgpu', 'cuda', 'auto'] as const;
export type ProviderChoice = (typeof PROVIDER_CHOICES)[number];

export type ProviderReport =
  | { provider: Provider; works: true /** A matrix product of the probe. */; seconds: number }
  | { provider: Provider; works: false; reason: string; remedy: string };

/** A driver that does not answer within this time counts as not working. */
const PROBE_TIMEOUT_MS = 60_000;

/** Threads of a session by default. */
export function defaultThreads(): number {
  return availableParallelism();
}

/** Resolves `--provider` on this machine: `auto` by probing, any other to itself. */
export async function resolveProvider(choice: ProviderChoice): Promise<Provider> {
  if (choice !== 'auto') return choice;
  const reports = await Promise.all([probeProvider('cuda'), probeProvider('webgpu')]);
  const working = reports.filter((report) => report.works);
  if (working.length === 0) return 'cpu';
  const candidates = [...working, await probeProvider('cpu')].filter((report) => report.works);
  candidates.sort((a, b) => a.seconds - b.seconds); // a driver that emulates a GPU is slower than the CPU itself
  return candidates[0]?.provider ?? 'cpu';
}

/** Runs a small graph on a provider in a separate process, so that a driver crash does no further harm. */
export async function probeProvider(provider: Provider): Promise<ProviderReport> {
  const script = compiledFile('models/provider-probe.js');
  const { stdout, failure } = await new Promise<{ stdout: string; failure: string | null }>((resolve) => {
    const options = { timeout: PROBE_TIMEOUT_MS, killSignal: 'SIGKILL' } as const;
    execFile(process.execPath, [script, provider], options, (error, output) => {
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

/** Did creating a session fail because of the provider rather than the model? */
export function isProviderFailure(provider: Provider, raw: string): boolean {
  return (
    provider !== 'cpu' &&
    /shared library|backend not found|AppendExecutionProvider|WebGPU|adapter|CUDA|cudnn|cublas|provider_bridge|vulkan/i.test(
      raw,
    )
  );
}

/** @param raw the runtime's message */
export function providerUnavailable(provider: Provider, raw: string): ModelError {
  return new ModelError({
    code: 'provider-unavailable',
    message: `The provider ${provider} does not work on this machine: ${oneLine(raw)}`,
    hint: `${remedyFor(provider)} Or use --provider cpu. duo-eval doctor shows what works.`,
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
export const hasDouble = (provider: Provider): boolean => provider !== 'webgpu';
