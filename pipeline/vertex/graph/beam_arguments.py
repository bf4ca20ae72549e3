"""What Beam is told on Google's machines: Dataflow, or the threads of a step's own container."""

from pipeline.vertex.config import VertexConfig
from pipeline.vertex.site import Site


def dataflow_arguments(config: VertexConfig, site: Site) -> list[str]:
    """Returns the arguments that run a Beam step on Dataflow; `config.dataflow` must be there.

    The workers run in the image of the steps, so they have the same packages. Temporary and staged
    files lie under the pipeline root. Shuffle and Runner v2 are what Dataflow takes by itself.

    Args:
      config: the workers, the account, the key and the labels.
      site: project, region, folder and image.
    """
    workers = config.dataflow
    assert workers is not None
    folder = f"{site.pipeline_root.rstrip('/')}/beam"
    arguments = [
        "--runner=DataflowRunner",
        f"--project={site.project}",
        f"--region={site.region}",
        f"--temp_location={folder}/temp",
        f"--staging_location={folder}/staging",
        f"--sdk_container_image={site.image}",
        "--autoscaling_algorithm=THROUGHPUT_BASED",
        f"--worker_machine_type={workers.machine_type}",
        f"--max_num_workers={workers.max_num_workers}",
        f"--disk_size_gb={workers.disk_size_gb}",
    ]
    if workers.subnetwork:
        arguments.append(f"--subnetwork={workers.subnetwork}")
    if not workers.use_public_ips:
        arguments.append("--no_use_public_ips")
    if config.service_account:
        arguments.append(f"--service_account_email={config.service_account}")
    if config.kms_key_name:
        arguments.append(f"--dataflow_kms_key={config.kms_key_name}")
    return [*arguments, *(f"--labels={key}={value}" for key, value in config.labels.items())]
