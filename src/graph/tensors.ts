import { byteLength, type DType, dtypeCode } from './dtype.js';
import { create, type TensorProto, TensorProtoSchema } from './onnx.js';

/** Numbers to convert, or bytes already in ONNX's little-endian raw form. */
export type TensorData =
  | readonly number[]
  | Float32Array
  | Float64Array
  | Int32Array
  | BigInt64Array
  | Uint8Array;

/** @throws RangeError when the data do not fill `dims` */
export function tensorProto(
  name: string,
  dtype: DType,
  dims: readonly number[],
  data: TensorData,
): TensorProto {
  const count = dims.reduce((product, size) => product * size, 1);
  const rawData = rawBytes(dtype, data);
  if (rawData.length !== byteLength(dtype, count)) {
    throw new RangeError(`tensor "${name}": ${rawData.length} bytes do not fill ${dtype}[${dims}]`);
  }
  return create(TensorProtoSchema, { name, dataType: dtypeCode(dtype), dims: dims.map(BigInt), rawData });
}

function rawBytes(dtype: DType, data: TensorData): Uint8Array<ArrayBuffer> {
  if (data instanceof Uint8Array) return data as Uint8Array<ArrayBuffer>;
  const array = typedArray(dtype, data);
  return new Uint8Array(array.buffer as ArrayBuffer, array.byteOffset, array.byteLength);
}

function typedArray(dtype: DType, data: Exclude<TensorData, Uint8Array>): ArrayBufferView {
  switch (dtype) {
    case 'float32':
      return data instanceof Float32Array ? data : Float32Array.from(data as readonly number[]);
    case 'float64':
      return data instanceof Float64Array ? data : Float64Array.from(data as readonly number[]);
    case 'int64':
      return data instanceof BigInt64Array
        ? data
        : BigInt64Array.from(Array.from(data as readonly number[], BigInt));
    case 'int32':
      return data instanceof Int32Array ? data : Int32Array.from(data as readonly number[]);
    case 'bool':
    case 'uint8':
      return Uint8Array.from(data as readonly number[]);
    default:
      throw new RangeError(`constants of type ${dtype} are given as bytes`);
  }
}
