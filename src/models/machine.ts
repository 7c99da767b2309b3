/** This machine's processor and memory, and which execution providers really work on it. */
import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, freemem, totalmem } from 'node:os';
import { VERSIONS } from '../versions.js';
import { PROVIDERS, type ProviderReport, probeProvider } from './provider.js';

export interface MachineReport {
  platform: string;
  cpu: string;
  cores: number;
  /** Usable bytes in all: the machine's memory, or the limit set for this process. */
  memory: number;
  freeMemory: number;
  providers: ProviderReport[];
}

export async function describeMachine(): Promise<MachineReport> {
  const providers: ProviderReport[] = [];
  // One at a time, so that their times can be compared.
  for (const provider of PROVIDERS) providers.push(await probeProvider(provider));
  return {
    platform: `${process.platform} ${process.arch}`,
    cpu: processorModel() || 'unknown',
    cores: availableParallelism(),
    memory: usableMemory(),
    freeMemory: freemem(),
    providers,
  };
}

/** Bytes that this process may use in all. */
export function usableMemory(): number {
  const limit = process.constrainedMemory();
  return limit > 0 ? Math.min(limit, totalmem()) : totalmem();
}

/** Flags of Linux for instructions that add up four products of bytes exactly; arm64 has them by another name, or exact ones. */
const BYTE_PRODUCTS = ['avx512_vnni', 'avx_vnni', 'amx_int8', 'asimddp'];

/** Which of these instructions the processor has; null if there is none, or the system does not say. */
export function byteProducts(cpuinfo = readCpuInfo()): string | null {
  const flags = new Set(/^(?:flags|Features)\s*:(.*)$/m.exec(cpuinfo)?.[1].split(' '));
  return BYTE_PRODUCTS.find((name) => flags.has(name)) ?? null;
}

function readCpuInfo(): string {
  try {
    return readFileSync('/proc/cpuinfo', 'utf8');
  } catch {
    return ''; // no Linux
  }
}

const processorModel = (): string | null => cpus()[0]?.model.trim() ?? null;

/** Where a figure came about, as records have it. @param ran the session; null in it where no model was run */
export function environmentOf({ provider, threads }: { provider: string | null; threads: number | null }) {
  return { ...VERSIONS, provider, threads, cpu: processorModel() };
}
