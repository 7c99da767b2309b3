/**
 * Cuts the tokens of texts into sequences of a fixed length, by one of two protocols.
 *
 * `duo`: as the reference with one process. Texts come in groups of 1,000; each group's tokens are
 * concatenated without a separator, cut into pieces of L − 2 and wrapped as [BOS] … [EOS]; the group's remainder is dropped.
 * `strict`: one stream; only the last remainder is shorter than a sequence, and it is kept on request.
 * Without BOS (or EOS) its place is one more token of text; with neither, sequences are L tokens unwrapped.
 *
 * A sequence may hold pieces of several documents. It belongs to the one with most of its tokens, the earlier in a tie.
 */
import { UsageError } from '../errors.js';

const PROTOCOLS = ['duo', 'strict'] as const;
export type ProtocolName = (typeof PROTOCOLS)[number];

/** Texts per group: the batch size of `map` in the reference's data library. */
const GROUP = 1_000;

export interface CutOptions {
  /** L, with BOS and EOS. */
  length: number;
  protocol: ProtocolName;
  bosTokenId: number | null;
  eosTokenId: number | null;
  /** Keep the last, shorter sequence; `strict` only. */
  keepRemainder: boolean;
}

export class SequenceCutter {
  /** Texts and tokens seen, and tokens dropped, so far. */
  texts = 0;
  tokens = 0;
  droppedTokens = 0;
  /** Documents begun so far. */
  documents = 0;

  private readonly sequence: Int32Array;
  /** Where text tokens start in a sequence, and how many fit. */
  private readonly start: number;
  private readonly room: number;
  private filled = 0;
  /** In the current sequence: tokens of the current document, and the earlier document with most tokens. */
  private ofDocument = 0;
  private most = { document: 0, tokens: 0 };

  /** @param emit receives each sequence and its document, from 0; the array is reused afterwards */
  constructor(
    private readonly options: CutOptions,
    private readonly emit: (sequence: Int32Array, document: number) => void,
  ) {
    const { length, bosTokenId, eosTokenId } = options;
    this.start = bosTokenId === null ? 0 : 1;
    this.room = length - this.start - (eosTokenId === null ? 0 : 1);
    if (!Number.isSafeInteger(length) || this.room < 1) {
      throw new UsageError({
        code: 'length-too-short',
        message: `Sequences of ${length} tokens leave no room for text between BOS and EOS.`,
        hint: 'Choose a larger --length.',
      });
    }
    this.sequence = new Int32Array(length);
    if (bosTokenId !== null) this.sequence[0] = bosTokenId;
  }

  /** The next text begins a document. */
  beginDocument(): void {
    this.weighDocument();
    this.documents++;
  }

  /** Adds tokens of the current text. */
  add(tokens: readonly number[]): void {
    this.tokens += tokens.length;
    for (const token of tokens) {
      this.sequence[this.start + this.filled] = token;
      this.ofDocument++;
      if (++this.filled === this.room) this.complete();
    }
  }

  /** Ends the current text. */
  endText(): void {
    this.texts++;
    if (this.options.protocol === 'duo' && this.texts % GROUP === 0) this.dropRemainder();
  }

  /** Ends the last text. */
  end(): void {
    if (this.options.protocol === 'strict' && this.options.keepRemainder && this.filled > 0) this.complete();
    else this.dropRemainder();
  }

  private complete(): void {
    const { eosTokenId } = this.options;
    let end = this.start + this.filled;
    if (eosTokenId !== null) this.sequence[end++] = eosTokenId;
    this.weighDocument();
    const { document } = this.most;
    this.forget();
    this.emit(this.sequence.subarray(0, end), document);
  }

  private dropRemainder(): void {
    this.droppedTokens += this.filled;
    this.forget();
  }

  /** Emits the current sequence. */
  private forget(): void {
    this.filled = 0;
    this.ofDocument = 0;
    this.most = { document: 0, tokens: 0 };
  }

  private weighDocument(): void {
    const document = Math.max(0, this.documents - 1); // text before the first document belongs to it
    if (this.ofDocument > this.most.tokens) this.most = { document, tokens: this.ofDocument };
    this.ofDocument = 0;
  }
}
