/**
 * Trends as files of other programs, to be looked at offline: TensorBoard's event files, MLflow's file store, offline runs of
 * Weights & Biases. A run each for every row of the trends; steps are the runs in order of time. No program of theirs is needed, and
 * no account.
 */

import { join } from 'node:path';
import { BinaryWriter } from '@bufbuild/protobuf/wire';
import { writeFileAtomically } from '../storage/atomic-file.js';
import { sha256OfBytes } from '../storage/digest.js';
import { nameOfTrend } from './table.js';
import type { Trend } from './trends.js';
import { type OfflineRun, offlineRun } from './wandb.js';

export type ExportKind = 'tensorboard' | 'mlflow' | 'wandb';

const FILES_OF: Readonly<Record<ExportKind, (trends: readonly Trend[]) => File[]>> = {
  tensorboard: tensorboardFiles,
  mlflow: mlflowFiles,
  wandb: wandbFiles,
};

/** @returns the files that were written   @throws FileError */
export async function exportTrends(
  kind: ExportKind,
  folder: string,
  trends: readonly Trend[],
): Promise<string[]> {
  const files = FILES_OF[kind](trends);
  for (const [path, content] of files)
    await writeFileAtomically(join(folder, path), content, 'Give --out another folder.');
  return files.map(([path]) => join(folder, path));
}

type File = [path: string, content: string | Uint8Array];

/** Trends by row: what one run of the other program holds. */
function byRow(trends: readonly Trend[]): [name: string, of: Trend[]][] {
  const groups = new Map<string, Trend[]>();
  for (const trend of trends) {
    const name = `${trend.eval}: ${nameOfTrend(trend)}`;
    groups.set(name, [...(groups.get(name) ?? []), trend]);
  }
  return [...groups];
}

/** A name of a folder or a metric: letters, digits and a few signs. */
const fileName = (name: string): string => name.replace(/[^\w.,+=-]+/g, '_').slice(0, 120);

/** `tensorboard --logdir folder` shows a run for each row, with its figures and the ends of their intervals. */
function tensorboardFiles(trends: readonly Trend[]): File[] {
  return byRow(trends).map(([name, of]) => {
    const first = Math.min(...of.flatMap(({ points }) => points.map(({ at }) => at.getTime())));
    const records = [eventRecord(first, (event) => event.tag(3, LENGTH_DELIMITED).string('brain.Event:2'))];
    for (const { metric, points } of of) {
      for (const [step, { at, value, ci95 }] of points.entries()) {
        const scalars = [
          [metric, value],
          ...(ci95
            ? [
                [`${metric}/low`, ci95[0]],
                [`${metric}/high`, ci95[1]],
              ]
            : []),
        ] as [string, number][];
        records.push(
          eventRecord(at.getTime(), (event) => {
            event.tag(2, VARINT).int64(step);
            event.tag(5, LENGTH_DELIMITED).fork(); // Event.summary
            for (const [tag, scalar] of scalars) {
              event.tag(1, LENGTH_DELIMITED).fork(); // Summary.value
              event.tag(1, LENGTH_DELIMITED).string(tag);
              event.tag(2, FIXED_32).float(scalar);
              event.join();
            }
            event.join();
          }),
        );
      }
    }
    const seconds = Math.floor(first / 1000);
    return [join(fileName(name), `events.out.tfevents.${seconds}.duo-eval`), Buffer.concat(records)];
  });
}

const [VARINT, FIXED_64, LENGTH_DELIMITED, FIXED_32] = [0, 1, 2, 5];

/** A TFRecord: length, its masked checksum, an Event of TensorFlow's event.proto, and its checksum. */
function eventRecord(at: number, fill: (event: BinaryWriter) => void): Buffer {
  const event = new BinaryWriter();
  event.tag(1, FIXED_64).double(at / 1000); // wall_time
  fill(event);
  const data = Buffer.from(event.finish());
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(data.length));
  return Buffer.concat([length, maskedCrc(length), data, maskedCrc(data)]);
}

function maskedCrc(bytes: Uint8Array): Buffer {
  const crc = crc32c(bytes);
  const masked = (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
  const written = Buffer.alloc(4);
  written.writeUInt32LE(masked);
  return written;
}

/** CRC-32C (Castagnoli), reflected, as iSCSI has it (RFC 3720). */
export function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f63b78 : 0);
  }
  return (crc ^ 0xffffffff) >>> 0;
}

/** `mlflow ui --backend-store-uri folder` shows a run for each row. */
function mlflowFiles(trends: readonly Trend[]): File[] {
  const experiment = '1';
  const yaml = (facts: Record<string, string | number | null>) =>
    Object.entries(facts)
      .map(([key, value]) => `${key}: ${JSON.stringify(value)}\n`)
      .join('');
  const times = trends.flatMap(({ points }) => points.map(({ at }) => at.getTime()));
  const [begun, ended] = [Math.min(...times), Math.max(...times)];
  const files: File[] = [
    [
      join(experiment, 'meta.yaml'),
      yaml({
        ...{ artifact_location: '', creation_time: begun, experiment_id: experiment },
        ...{ last_update_time: ended, lifecycle_stage: 'active', name: 'duo-eval' },
      }),
    ],
  ];
  for (const [name, of] of byRow(trends)) {
    const id = sha256OfBytes(name).slice(0, 32);
    const run = join(experiment, id);
    files.push([
      join(run, 'meta.yaml'),
      yaml({
        ...{ artifact_uri: '', end_time: ended, entry_point_name: '', experiment_id: experiment },
        ...{ lifecycle_stage: 'active', run_id: id, run_name: name, run_uuid: id, source_name: 'duo-eval' },
        ...{ source_type: 4, source_version: '', start_time: begun, status: 3, user_id: '' },
      }),
    ]);
    const [{ model, dataset, eval: evaluation }] = of;
    for (const [key, value] of Object.entries({ model, dataset, eval: evaluation }))
      files.push([join(run, 'params', key), value]);
    files.push([join(run, 'tags', 'mlflow.runName'), name]);
    for (const { metric, points } of of) {
      const lines = (pick: (point: Trend['points'][number]) => number | undefined) =>
        points
          .flatMap((point, step) => {
            const value = pick(point);
            return value === undefined ? [] : [`${point.at.getTime()} ${value} ${step}\n`];
          })
          .join('');
      files.push([join(run, 'metrics', fileName(metric)), lines(({ value }) => value)]);
      for (const [end, i] of [
        ['low', 0],
        ['high', 1],
      ] as const)
        files.push([join(run, 'metrics', `${fileName(metric)}_${end}`), lines(({ ci95 }) => ci95?.[i])]);
    }
  }
  return files;
}

/** `wandb sync folder/offline-run-*` uploads a run for each row. */
function wandbFiles(trends: readonly Trend[]): File[] {
  return byRow(trends).map(([name, of]) => {
    const steps = new Map<string, OfflineRun['steps'][number]>();
    for (const { metric, points } of of)
      for (const { at, commit, value, ci95 } of points) {
        const key = `${at.getTime()} ${commit}`;
        const ends = ci95 && { [`${metric}/low`]: ci95[0], [`${metric}/high`]: ci95[1] };
        steps.set(key, { at, values: { ...steps.get(key)?.values, [metric]: value, ...ends } });
      }
    const [{ model, dataset, eval: evaluation }] = of;
    return offlineRun({
      name,
      config: { model, dataset, eval: evaluation },
      steps: [...steps.values()].sort((a, b) => a.at.getTime() - b.at.getTime()),
    });
  });
}
