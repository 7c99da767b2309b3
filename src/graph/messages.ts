/** Plain values as messages of ONNX's schema and back: attributes, tensors, and declared inputs and outputs. */
import { byteLength, type DType, dtypeCode, dtypeName } from './dtype.js';
import {
  type AttributeProto,
  AttributeProtoSchema,
  create,
  type GraphProto,
  AttributeProto_AttributeType as Kind,
  type TensorProto,
  TensorProtoSchema,
  TensorShapeProto_DimensionSchema,
  TensorShapeProtoSchema,
  TypeProto_TensorSchema,
  TypeProtoSchema,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from './onnx.js';

/** An attribute's value. Whole numbers are INT, lists of them INTS; wrap a FLOAT in `float`. A graph is a body of control flow. */
export type Attribute =
  | number
  | string
  | readonly number[]
  | { float: number }
  /** In a function: the whole number that a node of it has by this name. */
  | { numberOf: string }
  | { proto: GraphProto }
  | { tensor: TensorProto };

/** Marks a number as FLOAT even when it is whole. */
export const float = (value: number): { float: number } => ({ float: value });

export function attributeProto(name: string, value: Attribute): AttributeProto {
  if (typeof value === 'number')
    return create(AttributeProtoSchema, { name, type: Kind.INT, i: BigInt(value) });
  if (typeof value === 'string') {
    return create(AttributeProtoSchema, { name, type: Kind.STRING, s: new TextEncoder().encode(value) });
  }
  if ('float' in value) return create(AttributeProtoSchema, { name, type: Kind.FLOAT, f: value.float });
  if ('numberOf' in value)
    return create(AttributeProtoSchema, { name, type: Kind.INT, refAttrName: value.numberOf });
  if ('proto' in value) return create(AttributeProtoSchema, { name, type: Kind.GRAPH, g: value.proto });
  if ('tensor' in value) return create(AttributeProtoSchema, { name, type: Kind.TENSOR, t: value.tensor });
  return create(AttributeProtoSchema, { name, type: Kind.INTS, ints: value.map(BigInt) });
}

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

/** Lengths of the axes: a number where fixed, a name where it may vary from call to call. */
export type Shape = readonly (number | string)[];

/** @param shape null leaves the rank open */
export function valueInfo(name: string, dtype: DType, shape: Shape | null): ValueInfoProto {
  const dim = (size: number | string) =>
    create(TensorShapeProto_DimensionSchema, {
      value:
        typeof size === 'number'
          ? { case: 'dimValue', value: BigInt(size) }
          : { case: 'dimParam', value: size },
    });
  return create(ValueInfoProtoSchema, {
    name,
    type: create(TypeProtoSchema, {
      value: {
        case: 'tensorType',
        value: create(TypeProto_TensorSchema, {
          elemType: dtypeCode(dtype),
          shape: shape ? create(TensorShapeProtoSchema, { dim: shape.map(dim) }) : undefined,
        }),
      },
    }),
  });
}

/** The declared type and shape of an input or output; null for what it leaves open. Unnamed axes are called `?`. */
export function readValueInfo(info: ValueInfoProto): {
  name: string;
  dtype: DType | null;
  shape: Shape | null;
} {
  const tensor = info.type?.value.case === 'tensorType' ? info.type.value.value : null;
  const shape = tensor?.shape?.dim.map(({ value }) =>
    value.case === 'dimValue'
      ? Number(value.value)
      : value.case === 'dimParam' && value.value
        ? value.value
        : '?',
  );
  return { name: info.name, dtype: tensor ? dtypeName(tensor.elemType) : null, shape: shape ?? null };
}
