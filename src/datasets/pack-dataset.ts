/** Packs texts into a stream: detokenize, tokenize, cut. Later calls read the cache. */
import { setImmediate } from 'node:timers/promises';
import { DataError, DuoEvalError, InterruptedError } from '../errors.js';
import { cacheEntryPath } from '../storage/cache-entry.js';
import { cacheFolder } from '../storage/folders.js';
import { type CutOptions, type ProtocolName, SequenceCutter } from './cutting.js';
import { PACKED_FORMAT, PackedFileReader } from './packed-file.js';
import { PackedFileWriter } from './packed-file-writer.js';
import { type PackedStream, packedStream } from './packed-stream.js';
import type { TextSource } from './text-source.js';
import type { Tokenizer } from './tokenizer.js';

export interface PackOptions {
  source: TextSource;
  tokenizer: Tokenizer;
  /** L: tokens of a sequence, with BOS and EOS. */
  length: number;
  protocol: ProtocolName;
  /** Keep a strict stream's last, shorter sequence. */
  keepRemainder?: boolean;
  /** Texts done, and their total if known. Not called when the stream is cached. */
  onProgress?: (done: number, total: number | null) => void;
  cacheFolder?: string;
  signal?: AbortSignal;
}

/** Work between two pauses for other events (Ctrl-C, progress), ms. */
const TURN_MS = 50;

/** @throws DataError (no texts, too few tokens, broken data), FileError, UsageError, InterruptedError */
export async function packDataset(options: PackOptions): Promise<PackedStream> {
  const { source, tokenizer, protocol, length, cacheFolder: folder = cacheFolder() } = options;
  const cut: CutOptions = {
    length,
    protocol,
    bosTokenId: tokenizer.bosTokenId,
    eosTokenId: tokenizer.eosTokenId,
    keepRemainder: protocol === 'strict' && options.keepRemainder === true,
  };
  const key = {
    format: PACKED_FORMAT,
    source: source.sourceSha256,
    reading: source.reading,
    documents: source.beginsDocument !== null,
    detokenizer: source.detokenizer?.name ?? null,
    tokenizer: tokenizer.sha256,
    ...cut,
  };
  const path = cacheEntryPath('packed', key, '.pack', folder);
  const file = PackedFileReader.open(path) ?? (await writePacked(path, cut, options));
  return packedStream(file, path, {
    name: source.name,
    split: source.split,
    sourceSha256: source.sourceSha256,
    tokenizerSha256: tokenizer.sha256,
    protocol,
  });
}

async function writePacked(path: string, cut: CutOptions, options: PackOptions): Promise<PackedFileReader> {
  const { source, tokenizer, onProgress } = options;
  const { bosTokenId, eosTokenId } = cut;
  const textStart = bosTokenId === null ? 0 : 1;
  const textEnd = eosTokenId === null ? undefined : -1;
  // Before the file is created, so an invalid length leaves nothing behind.
  const cutter = new SequenceCutter(cut, (sequence, document) =>
    writer.add(sequence, tokenizer.byteLength(sequence.subarray(textStart, textEnd)), document),
  );
  const writer = await PackedFileWriter.create(path, cut.length);
  let turn = performance.now();
  const pause = async (): Promise<void> => {
    if (performance.now() - turn < TURN_MS) return;
    await writer.flush();
    onProgress?.(cutter.texts, source.count);
    await setImmediate();
    stopIfAborted(options.signal);
    turn = performance.now();
  };
  const droppedBefore = tokenizer.droppedCharacters();
  try {
    stopIfAborted(options.signal);
    for await (const text of source.texts()) {
      if (source.beginsDocument?.(text)) cutter.beginDocument();
      const clean = source.detokenizer ? source.detokenizer.detokenize(text) : text;
      for (const tokens of tokenizer.encodePieces(clean)) {
        cutter.add(tokens);
        await pause();
      }
      cutter.endText();
      await pause();
    }
    cutter.end();
    onProgress?.(cutter.texts, cutter.texts);
    if (writer.sequences === 0) throw tooLittle(source, cutter, cut);
    const { texts, tokens, droppedTokens } = cutter;
    const droppedCharacters = tokenizer.droppedCharacters() - droppedBefore;
    const documents = source.beginsDocument && cutter.documents > 0 ? cutter.documents : null;
    const skippedRows = source.skippedRows?.() || undefined;
    const counted = { texts, documents, tokens, droppedTokens, droppedCharacters, skippedRows };
    const facts = { bosTokenId, eosTokenId, ...counted };
    return await writer.commit({ ...facts, name: source.name });
  } catch (cause) {
    await writer.discard();
    throw cause;
  }
}

function stopIfAborted(signal: AbortSignal | undefined): void {
  if (!signal?.aborted) return;
  if (signal.reason instanceof DuoEvalError) throw signal.reason;
  throw new InterruptedError({ code: 'interrupted', message: 'Interrupted while packing.' });
}

function tooLittle(
  source: TextSource,
  { texts, tokens }: SequenceCutter,
  { length, protocol }: CutOptions,
): DataError {
  const where = source.paths.length === 1 ? ` (${source.paths[0]})` : '';
  if (tokens === 0) {
    return new DataError({
      code: 'empty-dataset',
      message: `The data set "${source.name}"${where} is empty: ${texts === 0 ? 'no texts' : 'its texts have no tokens'}.`,
      hint: 'Check that it is the file you meant, and that it was downloaded whole.',
    });
  }
  const grouped = protocol === 'duo' && texts > 1_000 ? ' in any group of 1,000 texts' : '';
  return new DataError({
    code: 'too-few-tokens',
    message: `The data set "${source.name}"${where} has ${tokens} tokens, too few for one sequence of ${length}${grouped}.`,
    hint: 'Give more text, or choose a smaller --length.',
  });
}
