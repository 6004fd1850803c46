"""Checks the chart and the manifests of deploy/ against Kubernetes' own schemas.

Arguments: the program that renders a chart, and the binary of the service.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import jsonschema
import kubernetes_validate
import yaml

RENDER, BINARY = sys.argv[1:]
CHART = Path("deploy/helm")
VERSIONS = ["1.27", "1.37"]
# Every option of the chart, in two combinations.
VARIANTS = {
    "defaults": {},
    "everything": {
        "image": {"repository": "registry.example.com/entities", "tag": "1.2.3"},
        "imagePullSecrets": [{"name": "registry"}],
        "config": {
            "entityProvider": {
                "tls": {"certFile": "/tls/tls.crt", "keyFile": "/tls/tls.key"},
                "caFile": "/ca/ca.pem",
            }
        },
        "env": [{"name": "RUST_LOG", "value": "debug"}],
        "extraVolumes": [{"name": "tls", "secret": {"secretName": "tls"}}],
        "extraVolumeMounts": [{"name": "tls", "mountPath": "/tls", "readOnly": True}],
        "persistence": {"enabled": True, "storageClassName": "fast", "size": "2Gi"},
        "service": {"type": "NodePort", "port": 80, "annotations": {"example.com/a": "b"}},
        "podAnnotations": {"example.com/c": "d"},
        "podLabels": {"team": "identity"},
        "nodeSelector": {"disk": "ssd"},
        "tolerations": [{"key": "dedicated", "operator": "Exists"}],
        "affinity": {"nodeAffinity": {}},
        "podDisruptionBudget": {"enabled": True},
        "networkPolicy": {
            "enabled": True,
            "from": [{"podSelector": {"matchLabels": {"app": "backstage"}}}],
            "egress": [{"ports": [{"port": 443}, {"port": 53, "protocol": "UDP"}]}],
        },
        "serviceMonitor": {
            "enabled": True,
            "labels": {"release": "prometheus"},
            "tokenSecret": {"name": "prometheus", "key": "token"},
        },
    },
    "existing claim": {"persistence": {"enabled": True, "existingClaim": "state"}},
    "replicas": {"replicas": 2},
}
KINDS = {
    "defaults": ["ConfigMap", "Deployment", "Service"],
    "everything": [
        "ConfigMap", "Deployment", "NetworkPolicy", "PersistentVolumeClaim", "PodDisruptionBudget", "Service",
        "ServiceMonitor",
    ],
    "existing claim": ["ConfigMap", "Deployment", "Service"],
    "replicas": ["ConfigMap", "Deployment", "PodDisruptionBudget", "Service"],
}
REFUSED = {
    "a misspelt key": {"persistance": {"enabled": True}},
    "no secret": {"existingSecret": ""},
    "a port out of range": {"service": {"port": 70000}},
    "no replica": {"replicas": 0},
}


def merged(values, overrides):
    """Returns values with overrides, as Helm merges them."""
    if not (isinstance(values, dict) and isinstance(overrides, dict)):
        return overrides
    return values | {key: merged(values.get(key), value) for key, value in overrides.items()}


def render(overrides):
    """Returns the objects of the chart, and its notes."""
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(overrides, file)
        file.flush()
        ended = subprocess.run([RENDER, CHART, "entities", file.name], check=True, capture_output=True, text=True)
    files = json.loads(ended.stdout)
    notes = files.pop("NOTES.txt")
    objects = [found for text in files.values() for found in yaml.safe_load_all(text) if found]
    return objects, notes


def validate(objects):
    for found in objects:
        # A resource of the Prometheus Operator.
        if found["kind"] != "ServiceMonitor":
            for version in VERSIONS:
                kubernetes_validate.validate(found, version, strict=True)


def one(objects, kind):
    [found] = [found for found in objects if found["kind"] == kind]
    return found


def check_references(objects):
    """Checks that selectors, ports and volumes refer to what exists."""
    deployment, service = one(objects, "Deployment"), one(objects, "Service")
    pod = deployment["spec"]["template"]
    labels, [container] = pod["metadata"]["labels"], pod["spec"]["containers"]
    for selector in (deployment["spec"]["selector"]["matchLabels"], service["spec"]["selector"]):
        assert selector.items() <= labels.items(), selector
    ports = {port["name"] for port in container["ports"]}
    assert {port["targetPort"] for port in service["spec"]["ports"]} <= ports
    assert {container[probe]["httpGet"]["port"] for probe in ("livenessProbe", "readinessProbe")} <= ports
    volumes = {volume["name"] for volume in pod["spec"]["volumes"]}
    assert {mount["name"] for mount in container["volumeMounts"]} == volumes
    assert container["securityContext"]["readOnlyRootFilesystem"]
    for found in objects:
        if found["kind"] == "PodDisruptionBudget":
            assert found["spec"]["selector"] == deployment["spec"]["selector"]
        if found["kind"] == "NetworkPolicy":
            assert found["spec"]["podSelector"] == deployment["spec"]["selector"]
        if found["kind"] == "ServiceMonitor":
            assert found["spec"]["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
            assert found["spec"]["endpoints"][0]["scheme"] == "https"


def check_configuration(objects):
    """Starts the service with the configuration of the objects."""
    text = one(objects, "ConfigMap")["data"]["app-config.yaml"]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "app-config.yaml")
        file.write_text(text)
        environment = {"AUTHENTIK_TOKEN": "unused", "ENTITY_PROVIDER_STATE_DIR": "false", "PATH": os.environ["PATH"]}
        arguments = [BINARY, "serve", "--config", file, "--listen", "127.0.0.1:0"]
        service = subprocess.Popen(arguments, env=environment, stderr=subprocess.PIPE, text=True)
        try:
            for line in service.stderr:
                event = json.loads(line)
                assert event["level"] == "INFO", line
                if event["message"] == "listening":
                    service.terminate()
            assert service.wait(timeout=30) == 0, line
        finally:
            service.kill()


def check_chart():
    schema = json.loads((CHART / "values.schema.json").read_text())
    defaults = yaml.safe_load((CHART / "values.yaml").read_text())
    undeclared = defaults.keys() - schema["properties"].keys()
    assert not undeclared, undeclared
    for name, overrides in VARIANTS.items():
        jsonschema.validate(merged(defaults, overrides), schema)
        objects, notes = render(overrides)
        assert sorted(found["kind"] for found in objects) == KINDS[name], name
        validate(objects)
        check_references(objects)
        assert "/entities" in notes
    for name, overrides in REFUSED.items():
        try:
            jsonschema.validate(merged(defaults, overrides), schema)
        except jsonschema.ValidationError:
            continue
        raise AssertionError(f"{name} is accepted")
    check_configuration(render({})[0])


def check_manifests(folder, overrides):
    """Checks the manifests of a folder, and compares them with the chart with these values."""
    built = subprocess.run(["kubectl", "kustomize", folder], check=True, capture_output=True, text=True)
    objects = list(yaml.safe_load_all(built.stdout))
    validate(objects)
    check_references(objects)
    check_configuration(objects)
    rendered = render(overrides)[0]
    kinds = [sorted(found["kind"] for found in found_objects) for found_objects in (objects, rendered)]
    assert kinds[0] == kinds[1], kinds
    manifest, chart = (one(found_objects, "Deployment")["spec"] for found_objects in (objects, rendered))
    assert manifest["replicas"] == chart["replicas"] and manifest["strategy"] == chart["strategy"]
    ours, theirs = (found["template"]["spec"] for found in (manifest, chart))
    secret = {"secretRef": {"name": "authentik-entity-provider"}}
    for pod in (ours, theirs):
        assert pod["containers"][0]["envFrom"] == [secret]
        pod["volumes"] = [volume.keys() for volume in pod["volumes"]]
        for constraint in pod.get("topologySpreadConstraints", []):
            del constraint["labelSelector"]
    assert ours == theirs, "chart and manifests differ"


try:
    render({"replicas": 2, "persistence": {"enabled": True}})
except subprocess.CalledProcessError as error:
    assert "share entityProvider.database" in error.stderr, error.stderr
else:
    raise AssertionError("replicas with a volume are accepted")
check_chart()
check_manifests("deploy/kubernetes", {"persistence": {"enabled": True}})
check_manifests("deploy/kubernetes-replicas", {"replicas": 2})
print("the chart and the manifests are valid for Kubernetes", " and ".join(VERSIONS))
