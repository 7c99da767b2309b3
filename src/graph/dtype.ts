import { TensorProto_DataType as Type } from './onnx.js';

/** Element types by the names the runtime uses for its tensors. */
export type DType =
  | 'float32'
  | 'float64'
  | 'float16'
  | 'bfloat16'
  | 'int64'
  | 'int32'
  | 'int16'
  | 'int8'
  | 'uint64'
  | 'uint32'
  | 'uint16'
  | 'uint8'
  | 'bool'
  | 'int4'
  | 'uint4'
  | 'string';

const CODES: Record<DType, Type> = {
  float32: Type.FLOAT,
  float64: Type.DOUBLE,
  float16: Type.FLOAT16,
  bfloat16: Type.BFLOAT16,
  int64: Type.INT64,
  int32: Type.INT32,
  int16: Type.INT16,
  int8: Type.INT8,
  uint64: Type.UINT64,
  uint32: Type.UINT32,
  uint16: Type.UINT16,
  uint8: Type.UINT8,
  bool: Type.BOOL,
  int4: Type.INT4,
  uint4: Type.UINT4,
  string: Type.STRING,
};

const BITS: Record<DType, number> = {
  float32: 32,
  float64: 64,
  float16: 16,
  bfloat16: 16,
  int64: 64,
  int32: 32,
  int16: 16,
  int8: 8,
  uint64: 64,
  uint32: 32,
  uint16: 16,
  uint8: 8,
  bool: 8,
  int4: 4,
  uint4: 4,
  string: 0,
};

const NAMES = new Map<number, DType>(Object.entries(CODES).map(([name, code]) => [code, name as DType]));

/** ONNX's number for an element type. */
export function dtypeCode(dtype: DType): Type {
  return CODES[dtype];
}

/** The name of an ONNX element type, or null for one this program has no name for (float8, complex …). */
export function dtypeName(code: number): DType | null {
  return NAMES.get(code) ?? null;
}

/** Bytes that `count` elements take in raw form; null where the type has no fixed width (strings). */
export function byteLength(dtype: DType, count: number): number | null {
  return BITS[dtype] === 0 ? null : Math.ceil((count * BITS[dtype]) / 8);
}
