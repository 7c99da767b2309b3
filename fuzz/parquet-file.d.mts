export interface ParquetFile {
  texts?: (string | null)[];
  codec?: 'none' | 'gzip' | 'brotli';
  version?: 1 | 2;
  encoding?: 'plain' | 'dictionary' | 'delta-length' | 'delta-byte-array';
  required?: boolean;
  /** What the file says instead of the truth. */
  lies?: {
    rows?: number;
    chunkValues?: number;
    pageValues?: number;
    uncompressed?: number;
    compressed?: number;
    dictionaryValues?: number;
    indices?: Uint8Array;
    levels?: Uint8Array;
    page?: Uint8Array;
    chunkBytes?: number;
    offset?: number;
    levelEncoding?: number;
    /** Bytes of a field of the page's header that is not known. */
    remark?: number;
    /** Version 2: the values are not compressed, whatever the column's codec. */
    stored?: boolean;
    definitionBytes?: number;
    /** The true checksum of the page, or another. */
    checksum?: number | 'true';
  };
}

/** A small Parquet file of one column, `text`. */
export function parquetFile(options?: ParquetFile): Buffer;

/** One run of a repeated value. */
export function run(value: number, count: number, width: number): Uint8Array;
