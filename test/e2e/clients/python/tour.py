"""The Python client against the embedded control plane: typed and custom objects, patches, watches, errors.

KUBECONFIG names the server; the Node test beside this folder starts it and runs `python -m unittest -v tour`.
"""

import threading
import unittest

from kubernetes import client, config, dynamic, utils, watch
from kubernetes.client.exceptions import ApiException

GROUP = ("jouleops.dev", "v1alpha1")
MODEL_DEPLOYMENTS = (*GROUP, "default", "modeldeployments")


def deployment(name, energy="80mJ", labels=None):
    return {
        "apiVersion": "jouleops.dev/v1alpha1",
        "kind": "ModelDeployment",
        "metadata": {"name": name, "namespace": "default", "labels": labels or {}},
        "spec": {
            "modelVersionName": "machine-state-2",
            "budget": {"energyPerInference": energy},
            "placement": {"replicas": 2},
        },
    }


class Tour(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        config.load_kube_config()
        cls.core = client.CoreV1Api()
        cls.custom = client.CustomObjectsApi()

    def refused(self, status, reason, call, *arguments, **options):
        with self.assertRaises(ApiException) as caught:
            call(*arguments, **options)
        self.assertEqual(caught.exception.status, status)
        self.assertIn(f'"reason":"{reason}"', caught.exception.body.replace(": ", ":"))

    def test_config_maps_are_created_replaced_listed_and_deleted(self):
        body = client.V1ConfigMap(metadata=client.V1ObjectMeta(name="settings", labels={"tour": "python"}), data={"a": "1"})
        created = self.core.create_namespaced_config_map("default", body)
        self.assertIsNotNone(created.metadata.creation_timestamp.tzinfo)
        self.refused(409, "AlreadyExists", self.core.create_namespaced_config_map, "default", body)
        created.data["a"] = "2"
        replaced = self.core.replace_namespaced_config_map("settings", "default", created)
        self.assertEqual(replaced.data, {"a": "2"})
        self.refused(409, "Conflict", self.core.replace_namespaced_config_map, "settings", "default", created)
        listed = self.core.list_namespaced_config_map("default", label_selector="tour=python", limit=1)
        self.assertEqual([item.metadata.name for item in listed.items], ["settings"])
        self.core.delete_namespaced_config_map("settings", "default")
        self.refused(404, "NotFound", self.core.read_namespaced_config_map, "settings", "default")

    def test_custom_objects_are_patched_and_their_status_is_apart(self):
        self.custom.create_namespaced_custom_object(*MODEL_DEPLOYMENTS, deployment("patched"))
        merged = self.custom.patch_namespaced_custom_object(*MODEL_DEPLOYMENTS, "patched", {"spec": {"priority": 7}})
        self.assertEqual((merged["spec"]["priority"], merged["metadata"]["generation"]), (7, 2))
        operations = [{"op": "replace", "path": "/spec/placement/replicas", "value": 3}]
        patched = self.custom.patch_namespaced_custom_object(
            *MODEL_DEPLOYMENTS, "patched", operations, _content_type="application/json-patch+json"
        )
        self.assertEqual(patched["spec"]["placement"]["replicas"], 3)
        status = {"status": {"observedGeneration": 3}, "spec": {"priority": 1}}
        with_status = self.custom.patch_namespaced_custom_object_status(*MODEL_DEPLOYMENTS, "patched", status)
        self.assertEqual(with_status["status"], {"observedGeneration": 3})
        self.assertEqual(with_status["spec"]["priority"], 7)
        self.assertEqual(with_status["metadata"]["generation"], 3)

    def test_invalid_objects_are_refused_with_the_field(self):
        with self.assertRaises(ApiException) as caught:
            self.custom.create_namespaced_custom_object(*MODEL_DEPLOYMENTS, deployment("refused", "80 bananas"))
        self.assertEqual(caught.exception.status, 422)
        self.assertIn("spec.budget.energyPerInference", caught.exception.body)

    def test_server_side_apply_through_the_dynamic_client(self):
        api = dynamic.DynamicClient(client.ApiClient()).resources.get(
            api_version="jouleops.dev/v1alpha1", kind="ModelDeployment"
        )
        self.assertEqual((api.name, api.namespaced), ("modeldeployments", True))
        api.server_side_apply(namespace="default", name="applied", body=deployment("applied"), field_manager="one")
        other = deployment("applied", "70mJ")
        with self.assertRaises(dynamic.exceptions.ConflictError):
            api.server_side_apply(namespace="default", name="applied", body=other, field_manager="two")
        taken = api.server_side_apply(
            namespace="default", name="applied", body=other, field_manager="two", force_conflicts=True
        )
        self.assertEqual(taken.spec.budget.energyPerInference, "70mJ")
        self.assertEqual({entry.manager for entry in taken.metadata.managedFields}, {"one", "two"})

    def test_a_watch_tells_every_change_and_ends_in_time(self):
        seen = []

        def follow():
            selection = {"label_selector": "tour=watched", "timeout_seconds": 10}
            for event in watcher.stream(self.custom.list_namespaced_custom_object, *MODEL_DEPLOYMENTS, **selection):
                seen.append(f"{event['type']} {event['object']['metadata']['name']}")
                if event["type"] == "DELETED":
                    watcher.stop()

        labels = {"tour": "watched"}
        self.custom.create_namespaced_custom_object(*MODEL_DEPLOYMENTS, deployment("watched", labels=labels))
        watcher = watch.Watch()
        following = threading.Thread(target=follow)
        following.start()
        while not seen:
            following.join(0.02)
        self.custom.patch_namespaced_custom_object(*MODEL_DEPLOYMENTS, "watched", {"spec": {"priority": 1}})
        self.custom.delete_namespaced_custom_object(*MODEL_DEPLOYMENTS, "watched")
        following.join(15)
        self.assertEqual(seen, ["ADDED watched", "MODIFIED watched", "DELETED watched"])

    def test_an_expired_version_is_gone(self):
        with self.assertRaises(ApiException) as caught:
            selection = {"resource_version": "1", "timeout_seconds": 5}
            for _ in watch.Watch().stream(self.core.list_namespaced_config_map, "default", **selection):
                self.fail("a watch from a version that is no longer kept told something")
        self.assertEqual(caught.exception.status, 410)

    def test_yaml_documents_are_created_by_their_kind(self):
        documents = [
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "python"}},
            {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "key"}, "stringData": {"a": "b"}},
        ]
        for document in documents:
            utils.create_from_dict(client.ApiClient(), document, namespace="python")
        self.assertEqual(self.core.read_namespaced_secret("key", "python").data, {"a": "Yg=="})
        self.core.delete_namespace("python")

    def test_deletes_take_preconditions_policies_and_whole_collections(self):
        for name in ("first", "second", "third"):
            metadata = client.V1ObjectMeta(name=name, labels={"tour": "deletes"})
            self.core.create_namespaced_config_map("default", client.V1ConfigMap(metadata=metadata))
        stale = client.V1DeleteOptions(preconditions=client.V1Preconditions(resource_version="1"))
        self.refused(409, "Conflict", self.core.delete_namespaced_config_map, "first", "default", body=stale)
        self.core.delete_namespaced_config_map("first", "default", propagation_policy="Background")
        newest = self.core.list_namespaced_config_map("default").metadata.resource_version
        listed = self.core.list_namespaced_config_map(
            "default", label_selector="tour=deletes", resource_version=newest, resource_version_match="NotOlderThan"
        )
        self.assertEqual([item.metadata.name for item in listed.items], ["second", "third"])
        self.core.delete_collection_namespaced_config_map("default", label_selector="tour=deletes")
        left = self.core.list_namespaced_config_map("default", label_selector="tour=deletes")
        self.assertEqual(left.items, [])

    def test_a_watch_from_zero_tells_what_is_there(self):
        self.core.create_namespaced_config_map("default", client.V1ConfigMap(metadata=client.V1ObjectMeta(name="there")))
        selection = {"field_selector": "metadata.name=there", "resource_version": "0", "timeout_seconds": 1}
        events = watch.Watch().stream(self.core.list_namespaced_config_map, "default", **selection)
        self.assertEqual([event["type"] for event in events], ["ADDED"])

    def test_a_status_is_replaced(self):
        self.custom.create_namespaced_custom_object(*MODEL_DEPLOYMENTS, deployment("replaced"))
        live = self.custom.get_namespaced_custom_object(*MODEL_DEPLOYMENTS, "replaced")
        live["status"] = {"observedGeneration": 1}
        written = self.custom.replace_namespaced_custom_object_status(*MODEL_DEPLOYMENTS, "replaced", live)
        self.assertEqual(written["status"], {"observedGeneration": 1})

    def test_the_version_and_the_groups_can_be_parsed(self):
        self.assertRegex(client.VersionApi().get_code().git_version, r"^v1\.\d+\.\d+")
        groups = [group.name for group in client.ApisApi().get_api_versions().groups]
        self.assertIn("jouleops.dev", groups)
        self.assertEqual(client.AppsApi().get_api_group().name, "apps")
        self.assertEqual(client.CoreApi().get_api_versions().versions, ["v1"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
