"""The ops that each family declares: an op is found without loading the families of others.

Written by `python -m calque_tools.dev.list_ops`; a test compares it with the code. An op that is not here is
looked for in every family.
"""

__all__ = ["FAMILY_OF"]

_OPS = {
    "activations": """
        BiasAdd BiasAddGrad BiasAddV1 Elu EluGrad LeakyRelu LeakyReluGrad LogSoftmax Relu Relu6 Relu6Grad
        ReluGrad Selu SeluGrad Softmax Softplus SoftplusGrad Softsign SoftsignGrad
    """,
    "array": """
        BroadcastArgs ConcatOffset ConjugateTranspose EnsureShape ExpandDims InvertPermutation OnesLike Rank
        Reshape Shape ShapeN Size Squeeze Transpose ZerosLike
    """,
    "arrays": """
        TensorArrayCloseV2 TensorArrayCloseV3 TensorArrayConcatV2 TensorArrayConcatV3 TensorArrayGatherV2
        TensorArrayGatherV3 TensorArrayGradV2 TensorArrayGradV3 TensorArrayGradWithShape TensorArrayReadV2
        TensorArrayReadV3 TensorArrayScatterV2 TensorArrayScatterV3 TensorArraySizeV2 TensorArraySizeV3
        TensorArraySplitV2 TensorArraySplitV3 TensorArrayV2 TensorArrayV3 TensorArrayWriteV2
        TensorArrayWriteV3
    """,
    "attention": """
        _Attention
    """,
    "audio": """
        AudioSpectrogram DecodeWav EncodeWav Mfcc
    """,
    "batching": """
        BatchFunction
    """,
    "bitwise": """
        BitwiseAnd BitwiseOr BitwiseXor Invert LeftShift PopulationCount RightShift
    """,
    "calls": """
        Case If PartitionedCall StatefulPartitionedCall StatelessCase StatelessIf StatelessWhile TRTEngineOp
        While
    """,
    "candidates": """
        LogUniformCandidateSampler UniformCandidateSampler
    """,
    "cast": """
        Bitcast Cast CheckNumerics CheckNumericsV2
    """,
    "cells": """
        BlockLSTM BlockLSTMV2 GRUBlockCell LSTMBlockCell
    """,
    "compare": """
        ApproximateEqual Equal Greater GreaterEqual Less LessEqual LogicalAnd LogicalNot LogicalOr NotEqual
        Select SelectV2
    """,
    "complexes": """
        Angle Complex ComplexAbs Conj Imag Real
    """,
    "control": """
        Assert Const FakeParam GuaranteeConst Identity IdentityN NoOp Placeholder PlaceholderWithDefault
        PreventGradient Print PrintV2 Snapshot StopGradient
    """,
    "csv": """
        DecodeCSV
    """,
    "ctc": """
        CTCBeamSearchDecoder CTCLoss EditDistance
    """,
    "cumulative": """
        Cumprod Cumsum CumulativeLogsumexp
    """,
    "datasets": """
        BatchDataset BatchDatasetV2 CacheDataset ConcatenateDataset FilterDataset FlatMapDataset MapDataset
        ModelDataset OptimizeDataset OptionsDataset PaddedBatchDataset PaddedBatchDatasetV2
        ParallelMapDataset ParallelMapDatasetV2 PrefetchDataset RangeDataset RepeatDataset ShuffleDataset
        SkipDataset TakeDataset TensorDataset TensorSliceDataset ZipDataset
    """,
    "decompose": """
        Cholesky LogMatrixDeterminant MatrixDeterminant MatrixInverse MatrixSolve MatrixTriangularSolve Qr
        SelfAdjointEigV2 Svd
    """,
    "detection": """
        CTCGreedyDecoder CombinedNonMaxSuppression NonMaxSuppression NonMaxSuppressionV2 NonMaxSuppressionV3
        NonMaxSuppressionV4 NonMaxSuppressionV5 NonMaxSuppressionWithOverlaps
    """,
    "diagonal": """
        Diag DiagPart MatrixBandPart MatrixDiag MatrixDiagPart MatrixDiagPartV2 MatrixDiagPartV3
        MatrixDiagV2 MatrixDiagV3 MatrixSetDiag MatrixSetDiagV2 MatrixSetDiagV3
    """,
    "einsum": """
        Einsum
    """,
    "elementwise": """
        AccumulateNV2 Add AddN AddV2 Atan2 BroadcastGradientArgs ClipByValue Div DivNoNan FloorDiv FloorMod
        Maximum Minimum Mod Mul MulNoNan NextAfter Pow RealDiv SquaredDifference Sub TruncateDiv TruncateMod
        Xdivy Xlog1py Xlogy
    """,
    "functions": """
        Abs Acos Acosh Asin Asinh Atan Atanh Ceil Cos Cosh Exp Expm1 Floor Inv InvGrad IsFinite IsInf IsNan
        Log Log1p Neg Reciprocal ReciprocalGrad Rint Round Rsqrt RsqrtGrad Sigmoid SigmoidGrad Sign Sin Sinh
        Sqrt SqrtGrad Square Tan Tanh TanhGrad
    """,
    "fused": """
        _Columns _FusedMatMul _Gelu _Group _LayerNorm _Part _RowProduct
    """,
    "gpu_only": """
        CudnnRNN
    """,
    "image_boxes": """
        DrawBoundingBoxes DrawBoundingBoxesV2 ExtractGlimpse ExtractGlimpseV2 SampleDistortedBoundingBox
        SampleDistortedBoundingBoxV2
    """,
    "image_codec": """
        DecodeAndCropJpeg DecodeBmp DecodeGif DecodeImage DecodeJpeg DecodePng EncodeJpeg
        EncodeJpegVariableQuality EncodePng
    """,
    "image_color": """
        AdjustContrastv2 AdjustHue AdjustSaturation HSVToRGB LRN LRNGrad RGBToHSV
    """,
    "image_resize": """
        ResizeArea ResizeBicubic ResizeBicubicGrad ResizeBilinear ResizeBilinearGrad ResizeNearestNeighbor
        ResizeNearestNeighborGrad
    """,
    "image_scale": """
        ScaleAndTranslate ScaleAndTranslateGrad
    """,
    "image_warp": """
        CropAndResize CropAndResizeGradBoxes CropAndResizeGradImage ExtractImagePatches ExtractVolumePatches
        ImageProjectiveTransformV2 ImageProjectiveTransformV3
    """,
    "incomplete": """
        BesselI0 BesselI0e BesselI1 BesselI1e Betainc Igamma Igammac
    """,
    "indexing": """
        Gather GatherNd GatherV2 Slice StridedSlice StridedSliceGrad TensorStridedSliceUpdate
    """,
    "iterators": """
        Iterator IteratorFromStringHandle IteratorFromStringHandleV2 IteratorGetNext
        IteratorGetNextAsOptional IteratorGetNextSync IteratorToStringHandle IteratorV2 MakeIterator
        OneShotIterator
    """,
    "join": """
        Concat ConcatV2 Pack Split SplitV Unpack
    """,
    "linalg": """
        BatchMatMul BatchMatMulV2 BatchMatMulV3 Cross MatMul SparseMatMul
    """,
    "list_parts": """
        TensorListConcat TensorListConcatLists TensorListConcatV2 TensorListPushBackBatch TensorListScatter
        TensorListScatterIntoExistingList TensorListScatterV2 TensorListSplit
    """,
    "lists": """
        EmptyTensorList TensorListElementShape TensorListFromTensor TensorListGather TensorListGetItem
        TensorListLength TensorListPopBack TensorListPushBack TensorListReserve TensorListResize
        TensorListSetItem TensorListStack
    """,
    "losses": """
        SoftmaxCrossEntropyWithLogits SparseSoftmaxCrossEntropyWithLogits
    """,
    "nn_conv": """
        Conv2D Conv2DBackpropFilter Conv2DBackpropInput Conv3D Conv3DBackpropFilterV2 Conv3DBackpropInputV2
        DepthwiseConv2dNative DepthwiseConv2dNativeBackpropFilter DepthwiseConv2dNativeBackpropInput
    """,
    "nn_fused": """
        _ExplicitDepthwise _FusedConv2D _FusedDepthwiseConv2dNative _WinogradConv2D _WinogradFilter
    """,
    "nn_maxima": """
        Dilation2D Dilation2DBackpropFilter Dilation2DBackpropInput MaxPoolGradWithArgmax MaxPoolWithArgmax
    """,
    "nn_norm": """
        FusedBatchNorm FusedBatchNormGrad FusedBatchNormGradV2 FusedBatchNormGradV3 FusedBatchNormV2
        FusedBatchNormV3
    """,
    "nn_pool": """
        AvgPool AvgPool3D AvgPool3DGrad AvgPoolGrad MaxPool MaxPool3D MaxPool3DGrad MaxPoolGrad
        MaxPoolGradGrad MaxPoolGradGradV2 MaxPoolGradV2 MaxPoolV2
    """,
    "order": """
        InTopK InTopKV2 NthElement TopKV2
    """,
    "parse": """
        ParseExample ParseExampleV2 ParseSingleExample
    """,
    "parse_sequence": """
        ParseSequenceExample ParseSequenceExampleV2 ParseSingleSequenceExample
    """,
    "python_calls": """
        EagerPyFunc PyFunc PyFuncStateless
    """,
    "quantize": """
        FakeQuantWithMinMaxArgs FakeQuantWithMinMaxArgsGradient FakeQuantWithMinMaxVars
        FakeQuantWithMinMaxVarsGradient FakeQuantWithMinMaxVarsPerChannel
        FakeQuantWithMinMaxVarsPerChannelGradient
    """,
    "quantize_scaled": """
        QuantizeAndDequantizeV2 QuantizeAndDequantizeV3 QuantizeAndDequantizeV4 QuantizeAndDequantizeV4Grad
    """,
    "quantize_types": """
        Dequantize QuantizeV2
    """,
    "ragged": """
        RaggedFillEmptyRows RaggedGather RaggedRange RaggedTensorFromVariant RaggedTensorToSparse
        RaggedTensorToTensor RaggedTensorToVariant
    """,
    "random": """
        RandomStandardNormal RandomUniform RandomUniformInt RngReadAndSkip RngSkip StatefulStandardNormalV2
        StatefulTruncatedNormal StatefulUniform StatefulUniformFullInt StatefulUniformInt
        StatelessRandomGetAlg StatelessRandomGetKeyCounter StatelessRandomGetKeyCounterAlg
        StatelessRandomNormal StatelessRandomNormalV2 StatelessRandomUniform StatelessRandomUniformFullInt
        StatelessRandomUniformFullIntV2 StatelessRandomUniformInt StatelessRandomUniformIntV2
        StatelessRandomUniformV2 StatelessTruncatedNormal StatelessTruncatedNormalV2 TruncatedNormal
    """,
    "rearrange": """
        BatchToSpace BatchToSpaceND DepthToSpace Reverse ReverseSequence ReverseV2 Roll SpaceToBatch
        SpaceToBatchND SpaceToDepth
    """,
    "records": """
        DecodeCompressed DecodeJSONExample ParseTensor SerializeTensor
    """,
    "reduce": """
        All Any ArgMax ArgMin EuclideanNorm L2Loss Max Mean Min Prod Sum
    """,
    "refs": """
        Assign AssignAdd AssignSub CountUpTo Enter Exit HashTable InitializeTable
        InitializeTableFromTextFile IsVariableInitialized LookupTableExport LookupTableFind
        LookupTableImport LookupTableInsert LookupTableSize LoopCond Merge MutableDenseHashTable
        MutableHashTable MutableHashTableOfTensors NextIteration RefEnter RefExit RefIdentity RefMerge
        RefNextIteration RefSwitch ScatterAdd ScatterDiv ScatterMax ScatterMin ScatterMul ScatterNdAdd
        ScatterNdMax ScatterNdMin ScatterNdSub ScatterNdUpdate ScatterSub ScatterUpdate Switch Variable
        VariableV2
    """,
    "regex": """
        RegexFullMatch RegexReplace StaticRegexFullMatch StaticRegexReplace
    """,
    "sampling": """
        Multinomial RandomGamma RandomPoissonV2 RandomShuffle StatelessMultinomial StatelessRandomGammaV2
        StatelessRandomGammaV3 StatelessRandomPoisson StatelessShuffle
    """,
    "save": """
        MergeV2Checkpoints ReadFile RestoreV2 SaveV2 ShardedFilename
    """,
    "scans": """
        _Gru _Lstm _Scan
    """,
    "scatter": """
        DynamicPartition DynamicStitch ParallelDynamicStitch ScatterNd ScatterNdNonAliasingAdd
        TensorScatterAdd TensorScatterMax TensorScatterMin TensorScatterSub TensorScatterUpdate
    """,
    "search": """
        BoostedTreesBucketize Bucketize HistogramFixedWidth ListDiff LowerBound OneHot Unique UniqueV2
        UniqueWithCounts UniqueWithCountsV2 UpperBound Where
    """,
    "segment": """
        Bincount DenseBincount SegmentMax SegmentMean SegmentMin SegmentProd SegmentSum UnsortedSegmentMax
        UnsortedSegmentMin UnsortedSegmentProd UnsortedSegmentSum
    """,
    "sets": """
        DenseToDenseSetOperation DenseToSparseSetOperation SetSize SparseToSparseSetOperation
    """,
    "signal": """
        FFT FFT2D FFT3D IFFT IFFT2D IFFT3D IRFFT IRFFT2D IRFFT3D RFFT RFFT2D RFFT3D
    """,
    "sized": """
        BroadcastTo Fill LinSpace MirrorPad MirrorPadGrad Pad PadV2 Range Tile
    """,
    "sparse": """
        RaggedFillEmptyRowsGrad SparseConcat SparseFillEmptyRows SparseFillEmptyRowsGrad SparseReorder
        SparseReshape SparseSlice SparseSliceGrad SparseSplit SparseToDense
    """,
    "sparse_count": """
        DenseCountSparseOutput RaggedBincount RaggedCountSparseOutput SparseBincount SparseCountSparseOutput
    """,
    "sparse_cross": """
        SparseCross SparseCrossHashed SparseCrossV2
    """,
    "sparse_math": """
        SparseAdd SparseAddGrad SparseDenseCwiseAdd SparseDenseCwiseDiv SparseDenseCwiseMul SparseReduceMax
        SparseReduceMaxSparse SparseReduceSum SparseReduceSumSparse SparseSoftmax SparseSparseMaximum
        SparseSparseMinimum SparseTensorDenseAdd SparseTensorDenseMatMul
    """,
    "sparse_segment": """
        SparseSegmentMean SparseSegmentMeanGrad SparseSegmentMeanWithNumSegments SparseSegmentSqrtN
        SparseSegmentSqrtNGrad SparseSegmentSqrtNWithNumSegments SparseSegmentSum SparseSegmentSumGrad
        SparseSegmentSumWithNumSegments
    """,
    "special": """
        Digamma Erf Erfc Erfinv Lgamma Ndtri Polygamma Zeta
    """,
    "stacks": """
        ControlTrigger OptionalFromValue OptionalGetValue OptionalHasValue OptionalNone StackCloseV2
        StackPopV2 StackPushV2 StackV2
    """,
    "state": """
        AssignAddVariableOp AssignSubVariableOp AssignVariableOp DestroyResourceOp DisableCopyOnRead
        ReadVariableOp ResourceCountUpTo ResourceGather ResourceGatherNd ResourceScatterAdd
        ResourceScatterDiv ResourceScatterMax ResourceScatterMin ResourceScatterMul ResourceScatterNdAdd
        ResourceScatterNdSub ResourceScatterNdUpdate ResourceScatterSub ResourceScatterUpdate VarHandleOp
        VarIsInitializedOp VariableShape
    """,
    "string": """
        DecodeBase64 DecodePaddedRaw DecodeRaw EncodeBase64 ReduceJoin StringJoin StringLength StringLower
        StringNGrams StringSplit StringSplitV2 StringStrip StringToHashBucket StringToHashBucketFast
        StringToHashBucketStrong StringUpper Substr UnsortedSegmentJoin
    """,
    "string_format": """
        AsString StringFormat StringToNumber
    """,
    "summaries": """
        CloseSummaryWriter CreateSummaryFileWriter FlushSummaryWriter SummaryWriter WriteGraphSummary
        WriteRawProtoSummary WriteSummary
    """,
    "tables": """
        AnonymousHashTable AnonymousMutableDenseHashTable AnonymousMutableHashTable
        AnonymousMutableHashTableOfTensors HashTableV2 InitializeTableFromTextFileV2 InitializeTableV2
        LookupTableExportV2 LookupTableFindV2 LookupTableImportV2 LookupTableInsertV2 LookupTableRemoveV2
        LookupTableSizeV2 MutableDenseHashTableV2 MutableHashTableOfTensorsV2 MutableHashTableV2
    """,
    "training": """
        ApplyAdaMax ApplyAdadelta ApplyAdagrad ApplyAdagradDA ApplyAdagradV2 ApplyAdam ApplyAddSign
        ApplyCenteredRMSProp ApplyFtrl ApplyFtrlV2 ApplyGradientDescent ApplyMomentum ApplyPowerSign
        ApplyProximalAdagrad ApplyProximalGradientDescent ApplyRMSProp ResourceApplyAdaMax
        ResourceApplyAdadelta ResourceApplyAdagrad ResourceApplyAdagradDA ResourceApplyAdagradV2
        ResourceApplyAdam ResourceApplyAdamWithAmsgrad ResourceApplyAddSign ResourceApplyCenteredRMSProp
        ResourceApplyFtrl ResourceApplyFtrlV2 ResourceApplyGradientDescent ResourceApplyKerasMomentum
        ResourceApplyMomentum ResourceApplyPowerSign ResourceApplyProximalAdagrad
        ResourceApplyProximalGradientDescent ResourceApplyRMSProp ResourceSparseApplyAdadelta
        ResourceSparseApplyAdagrad ResourceSparseApplyAdagradDA ResourceSparseApplyAdagradV2
        ResourceSparseApplyCenteredRMSProp ResourceSparseApplyFtrl ResourceSparseApplyFtrlV2
        ResourceSparseApplyKerasMomentum ResourceSparseApplyMomentum ResourceSparseApplyProximalAdagrad
        ResourceSparseApplyProximalGradientDescent ResourceSparseApplyRMSProp SparseApplyAdadelta
        SparseApplyAdagrad SparseApplyAdagradDA SparseApplyAdagradV2 SparseApplyCenteredRMSProp
        SparseApplyFtrl SparseApplyFtrlV2 SparseApplyMomentum SparseApplyProximalAdagrad
        SparseApplyProximalGradientDescent SparseApplyRMSProp
    """,
    "unicode_forms": """
        CaseFoldUTF8 NormalizeUTF8
    """,
    "unicode_text": """
        UnicodeDecode UnicodeDecodeWithOffsets UnicodeEncode UnicodeTranscode
    """,
}

FAMILY_OF = {name: family for family, names in _OPS.items() for name in names.split()}
