"""The fields of KubeRay's RayJob, version ray.io/v1, beside those of Kubernetes itself.

Source: the types of the API, `ray-operator/apis/ray/v1` of KubeRay 1.4. No package of PyPI or npm has the schema that
KubeRay generates of them, which is a megabyte, most of it of pods.
"""

from typing import Any

Schema = dict[str, Any]

_WORDS = {"type": "object", "additionalProperties": {"type": "string"}}
_COUNT = {"type": "integer", "minimum": 0, "maximum": 2**31 - 1}
_FLAG = {"type": "boolean"}
_TEXT = {"type": "string"}
_POD = {"type": "object", "required": ["spec"]}


def _fields(required: tuple[str, ...] = (), **properties: Schema) -> Schema:
    return {"type": "object", "properties": properties, "required": [*required], "additionalProperties": False}


_AUTOSCALER = _fields(
    resources={"type": "object"},
    image=_TEXT,
    imagePullPolicy=_TEXT,
    env={"type": "array"},
    envFrom={"type": "array"},
    volumeMounts={"type": "array"},
    securityContext={"type": "object"},
    idleTimeoutSeconds=_COUNT,
    upscalingMode={"enum": ["Default", "Aggressive", "Conservative"]},
)
_HEAD = _fields(
    ("rayStartParams", "template"),
    serviceType=_TEXT,
    headService={"type": "object"},
    enableIngress=_FLAG,
    rayStartParams=_WORDS,
    template=_POD,
)
_WORKERS = _fields(
    ("groupName", "minReplicas", "maxReplicas", "rayStartParams", "template"),
    groupName=_TEXT,
    replicas=_COUNT,
    minReplicas=_COUNT,
    maxReplicas=_COUNT,
    numOfHosts=_COUNT,
    rayStartParams=_WORDS,
    template=_POD,
    scaleStrategy={"type": "object"},
)
_CLUSTER = _fields(
    ("headGroupSpec",),
    headGroupSpec=_HEAD,
    workerGroupSpecs={"type": "array", "items": _WORKERS},
    rayVersion=_TEXT,
    enableInTreeAutoscaling=_FLAG,
    autoscalerOptions=_AUTOSCALER,
    headServiceAnnotations=_WORDS,
    suspend=_FLAG,
)
_SPEC = _fields(
    activeDeadlineSeconds={"type": "integer", "minimum": 1},
    backoffLimit=_COUNT,
    rayClusterSpec=_CLUSTER,
    submitterPodTemplate=_POD,
    metadata=_WORDS,
    clusterSelector=_WORDS,
    submitterConfig=_fields(backoffLimit=_COUNT),
    managedBy=_TEXT,
    deletionStrategy={"type": "object"},
    entrypoint=_TEXT,
    runtimeEnvYAML=_TEXT,
    jobId=_TEXT,
    submissionMode={"enum": ["K8sJobMode", "HTTPMode", "InteractiveMode"]},
    entrypointResources=_TEXT,
    entrypointNumCpus={"type": "number"},
    entrypointNumGpus={"type": "number"},
    ttlSecondsAfterFinished=_COUNT,
    shutdownAfterJobFinishes=_FLAG,
    suspend=_FLAG,
)
RAY_JOB = _fields(
    ("apiVersion", "kind", "metadata", "spec"),
    apiVersion={"const": "ray.io/v1"},
    kind={"const": "RayJob"},
    metadata={"type": "object", "required": ["name"]},
    spec=_SPEC,
)
