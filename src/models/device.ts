/**
 * Which card of this machine a process takes. CUDA numbers the cards that it shows, from 0: CUDA_VISIBLE_DEVICES hides the others
 * and decides the order. A scheduler either shows each process its own card, or shows all of them and tells each process its place
 * on the machine.
 */
import { UsageError } from '../errors.js';

/** Variables that tell a process its place on its machine, from 0. JOB_COMPLETION_INDEX is none: it counts in the whole job. */
const LOCAL_RANKS = [
  'LOCAL_RANK',
  'OMPI_COMM_WORLD_LOCAL_RANK',
  'MV2_COMM_WORLD_LOCAL_RANK',
  'MPI_LOCALRANKID',
  'PMI_LOCAL_RANK',
  'SLURM_LOCALID',
] as const;

/** How many cards CUDA shows, as far as the environment says; null where it shows all that there are. */
function devicesShown(env: NodeJS.ProcessEnv): number | null {
  const list = env.CUDA_VISIBLE_DEVICES;
  if (list === undefined) return null;
  const devices = list.split(',').map((one) => one.trim());
  // CUDA reads numbers and names (GPU-…, MIG-…), and stops at the first that is neither, such as -1.
  const end = devices.findIndex((one) => !/^(\d+|(GPU|MIG)-\S+)$/.test(one));
  return end === -1 ? devices.length : end;
}

/** @throws UsageError where CUDA does not show this card */
export function checkShown(device: number, env: NodeJS.ProcessEnv = process.env): void {
  const shown = devicesShown(env);
  if (shown === null || device < shown) return;
  throw new UsageError({
    code: 'no-such-device',
    message: `There is no cuda:${device}: CUDA_VISIBLE_DEVICES="${env.CUDA_VISIBLE_DEVICES}" shows ${cards(shown)}.`,
    hint:
      shown === 0
        ? 'Ask the scheduler for a GPU, or set the variable.'
        : 'Cards are counted from 0, in the order of that variable.',
  });
}

/** The card for `--device auto`: the only one that is shown, or else that of the local rank. @throws UsageError */
export function deviceFromEnvironment(env: NodeJS.ProcessEnv = process.env): number {
  const shown = devicesShown(env);
  if (shown === 1) return 0;
  const name = LOCAL_RANKS.find((one) => env[one]);
  if (name === undefined) return 0;
  const rank = Number(env[name]);
  if (/^\d+$/.test(env[name] ?? '') && (shown === null || rank < shown)) return rank;
  throw new UsageError({
    code: 'no-such-device',
    message:
      shown === null
        ? `${name} is "${env[name]}", which is no place on a machine.`
        : `${name} is "${env[name]}", and CUDA_VISIBLE_DEVICES="${env.CUDA_VISIBLE_DEVICES}" shows ${cards(shown)}.`,
    hint: 'Start at most as many processes on a machine as it has GPUs, or name the card: --provider cuda:0.',
  });
}

const cards = (count: number): string =>
  count === 0 ? 'no card' : count === 1 ? 'one card, cuda:0' : `${count} cards, cuda:0 to cuda:${count - 1}`;
