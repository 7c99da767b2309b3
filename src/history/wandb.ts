/**
 * A run of Weights & Biases as its offline file: `wandb sync` uploads it, and other programs read it. The format as its client writes it
 * (wandb_internal.proto, and the log of LevelDB in blocks of 32 KiB): a header, then messages `Record`, each in pieces that end at blocks.
 */
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { BinaryWriter } from '@bufbuild/protobuf/wire';
import { sha256OfBytes } from '../storage/digest.js';

export interface OfflineRun {
  name: string;
  config: Readonly<Record<string, string>>;
  /** In order of time, at least one: what was measured then. */
  steps: readonly { at: Date; values: Readonly<Record<string, number>> }[];
}

/** @returns its path under the folder that `wandb sync` is given, and its bytes */
export function offlineRun({ name, config, steps }: OfflineRun): [path: string, content: Uint8Array] {
  const id = sha256OfBytes(name).slice(0, 8);
  const begun = steps[0].at.getTime();
  const last = steps[steps.length - 1];
  const records = [
    header(),
    run({ id, name, config, begun }),
    ...steps.map(({ at, values }, step) =>
      historyOf(step, {
        ...values,
        ...{ _step: step, _timestamp: at.getTime() / 1000, _runtime: (at.getTime() - begun) / 1000 },
      }),
    ),
    summaryOf(last.values),
    exit(Math.floor((last.at.getTime() - begun) / 1000)),
  ];
  const day = new Date(begun).toISOString();
  const stamp = `${day.slice(0, 10).replaceAll('-', '')}_${day.slice(11, 19).replaceAll(':', '')}`;
  const content = logOf(records.map((fill, i) => recordOf(i + 1, id, fill)));
  return [join(`offline-run-${stamp}-${id}`, `run-${id}.wandb`), content];
}

type Fill = (record: BinaryWriter) => void;

const [VARINT, LENGTH_DELIMITED] = [0, 2];

/** A message within a message. */
function message(into: BinaryWriter, field: number, fill: Fill): void {
  into.tag(field, LENGTH_DELIMITED).fork();
  fill(into);
  into.join();
}

const text = (into: BinaryWriter, field: number, value: string) =>
  into.tag(field, LENGTH_DELIMITED).string(value);

/** `Record`: its number from 1, its kind, and `_info` with the id of the run. */
function recordOf(number: number, id: string, fill: Fill): Uint8Array {
  const record = new BinaryWriter();
  record.tag(1, VARINT).int64(number);
  fill(record);
  message(record, 200, (info) => text(info, 1, id));
  return record.finish();
}

/** The oldest client that reads these kinds of records, as the client itself writes it. */
const OLDEST_READER = '0.70.0';

const header = (): Fill => (record) =>
  message(record, 21, (one) =>
    message(one, 1, (version) => {
      text(version, 1, 'duo-eval');
      text(version, 2, OLDEST_READER);
    }),
  );

/** `RunRecord`. @param run.begun ms */
function run({
  id,
  name,
  config,
  begun,
}: Pick<OfflineRun, 'name' | 'config'> & { id: string; begun: number }): Fill {
  return (record) =>
    message(record, 17, (one) => {
      text(one, 1, id);
      text(one, 3, 'duo-eval');
      message(one, 4, (update) => {
        for (const [key, value] of Object.entries(config))
          message(update, 1, (item) => {
            text(item, 1, key);
            text(item, 16, JSON.stringify(value));
          });
      });
      text(one, 8, name);
      message(one, 17, (time) => {
        time.tag(1, VARINT).int64(Math.floor(begun / 1000));
        time.tag(2, VARINT).int32((begun % 1000) * 1e6);
      });
    });
}

/** Items of `HistoryRecord` and `SummaryRecord`: a name, which may hold slashes, and JSON. */
function items(into: BinaryWriter, values: Readonly<Record<string, number>>): void {
  for (const [key, value] of Object.entries(values))
    message(into, 1, (item) => {
      text(item, 2, key);
      text(item, 16, JSON.stringify(value));
    });
}

const historyOf =
  (step: number, values: Readonly<Record<string, number>>): Fill =>
  (record) =>
    message(record, 2, (history) => {
      items(history, values);
      message(history, 2, (number) => number.tag(1, VARINT).int64(step));
    });

const summaryOf =
  (values: Readonly<Record<string, number>>): Fill =>
  (record) =>
    message(record, 3, (summary) => items(summary, values));

/** `RunExitRecord`: it ended well. @param runtime seconds */
const exit =
  (runtime: number): Fill =>
  (record) =>
    message(record, 18, (one) => {
      one.tag(1, VARINT).int32(0);
      one.tag(2, VARINT).int32(runtime);
    });

const BLOCK = 32 * 1024;
/** Bytes before each piece: its checksum, its length and its kind. */
const PIECE_HEADER = 7;
const [WHOLE, FIRST, MIDDLE, LAST] = [1, 2, 3, 4];

/** The log: `:W&B`, a magic number and a version, then every record whole, or as pieces where a block ends within it. */
function logOf(records: readonly Uint8Array[]): Uint8Array {
  const head = Buffer.from([0x3a, 0x57, 0x26, 0x42, 0xe1, 0xbe, 0]);
  const written: Buffer[] = [head];
  let at = head.length;
  for (const record of records) {
    let from = 0;
    do {
      let left = BLOCK - (at % BLOCK);
      if (left < PIECE_HEADER) {
        written.push(Buffer.alloc(left)); // too little for a piece
        at += left;
        left = BLOCK;
      }
      const data = record.subarray(from, from + left - PIECE_HEADER);
      const isFirst = from === 0;
      from += data.length;
      const isLast = from === record.length;
      const kind = isFirst ? (isLast ? WHOLE : FIRST) : isLast ? LAST : MIDDLE;
      written.push(piece(kind, data));
      at += PIECE_HEADER + data.length;
    } while (from < record.length);
  }
  return Buffer.concat(written);
}

function piece(kind: number, data: Uint8Array): Buffer {
  const whole = Buffer.alloc(PIECE_HEADER + data.length);
  whole.writeUInt16LE(data.length, 4);
  whole[6] = kind;
  whole.set(data, PIECE_HEADER);
  whole.writeUInt32LE(crc32(whole.subarray(6)), 0);
  return whole;
}
