# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Variables of other roles for the same programs, and what to use here instead.

Names are those of geerlingguy.*, netways.elasticstack, elastic.elasticsearch and
atosatto.docker-swarm.
"""

from __future__ import annotations

VERSION = "elk_version"
ES_SETTINGS = "elasticsearch_settings"
KIBANA_SETTINGS = "kibana_settings"
CA = "pki_ca_certificate and pki_ca_key"
NO_PACKAGES = "nothing: the programs run from images, which elk_version chooses"
NO_SWITCH = "nothing: certificates and passwords are always used"
PIPELINE = "nothing: the role writes the pipeline"

FOREIGN = {
    # geerlingguy.elasticsearch, geerlingguy.logstash, geerlingguy.kibana
    "elasticsearch_version": VERSION,
    "elasticsearch_package": NO_PACKAGES,
    "elasticsearch_package_state": NO_PACKAGES,
    "elasticsearch_service_state": "nothing: Swarm starts the service",
    "elasticsearch_service_enabled": "nothing: Swarm starts the service",
    "elasticsearch_network_host": "elk_address",
    "elasticsearch_http_port": "elk_elasticsearch_port",
    "elasticsearch_heap_size_min": "elasticsearch_heap",
    "elasticsearch_heap_size_max": "elasticsearch_heap",
    "elasticsearch_extra_options": ES_SETTINGS,
    "logstash_version": VERSION,
    "logstash_package": NO_PACKAGES,
    "logstash_listen_port_beats": "logstash_port",
    "logstash_elasticsearch_hosts": "logstash_elasticsearch_urls",
    "logstash_dir": NO_PACKAGES,
    "logstash_ssl_dir": CA,
    "logstash_ssl_certificate_file": CA,
    "logstash_ssl_key_file": CA,
    "logstash_local_syslog_path": PIPELINE,
    "logstash_monitor_local_syslog": PIPELINE,
    "logstash_setup_default_config": PIPELINE,
    "logstash_install_plugins": "logstash_image, an image with these plugins",
    "logstash_enabled_on_boot": "nothing: Swarm starts the service",
    "kibana_version": VERSION,
    "kibana_package": NO_PACKAGES,
    "kibana_package_state": NO_PACKAGES,
    "kibana_server_port": "kibana_port",
    "kibana_server_host": "firewall_kibana_networks",
    "kibana_elasticsearch_url": "nothing: Kibana uses every node of the platform",
    "kibana_elasticsearch_username": "nothing: Kibana logs in with a service token",
    "kibana_elasticsearch_password": "nothing: Kibana logs in with a service token",
    # netways.elasticstack
    "elasticsearch_clustername": "elasticsearch_cluster_name",
    "elasticsearch_nodename": "elk_node_name",
    "elasticsearch_node_types": "elasticsearch_node_roles",
    "elasticsearch_datapath": "elk_data_dir",
    "elasticsearch_create_datapath": "elk_data_dir",
    "elasticsearch_ml_enabled": ES_SETTINGS,
    "elasticsearch_monitoring_enabled": ES_SETTINGS,
    "elasticsearch_security": NO_SWITCH,
    "elasticsearch_http_security": NO_SWITCH,
    "elasticsearch_http_protocol": NO_SWITCH,
    "elasticsearch_bootstrap_pw": "elk_elastic_password",
    "elasticsearch_ca": CA,
    "elasticsearch_tls_key_passphrase": "pki_ca_passphrase",
    "elasticsearch_cert_validity_period": "pki_valid_days",
    "elasticsearch_cert_expiration_buffer": "pki_renew_days",
    "elasticsearch_pamlimits": "elasticsearch_ulimits",
    "elasticsearch_config_backup": NO_PACKAGES,
    "elasticsearch_manage_yaml": ES_SETTINGS,
    "elasticsearch_jna_workaround": "elasticsearch_jvm_options",
    "logstash_enable": "logstash_replicas",
    "logstash_pipelines": PIPELINE,
    "logstash_manage_pipelines": PIPELINE,
    "logstash_no_pipelines": PIPELINE,
    "logstash_elasticsearch": "logstash_elasticsearch_urls",
    "logstash_elasticsearch_output": PIPELINE,
    "logstash_beats_input": PIPELINE,
    "logstash_http_host": "logstash_api_host",
    "logstash_config_path_data": "elk_data_dir",
    "logstash_input_queue_type": "logstash_queue_type",
    "logstash_input_queue_max_bytes": "logstash_queue_max_bytes",
    "logstash_user_name": "elk_logstash_user",
    "logstash_user_password": "elk_logstash_password",
    "logstash_cert_validity_period": "pki_valid_days",
    "logstash_cert_expiration_buffer": "pki_renew_days",
    "kibana_enable": "kibana_replicas",
    "kibana_security": NO_SWITCH,
    "kibana_tls": NO_SWITCH,
    "kibana_tls_cert": CA,
    "kibana_tls_key": CA,
    "kibana_manage_yaml": KIBANA_SETTINGS,
    "kibana_cert_validity_period": "pki_valid_days",
    "kibana_cert_expiration_buffer": "pki_renew_days",
    "elastic_release": VERSION,
    "elasticstack_release": VERSION,
    "elasticstack_version": VERSION,
    "elasticstack_elasticsearch_http_port": "elk_elasticsearch_port",
    "elasticstack_kibana_port": "kibana_port",
    # elastic.elasticsearch
    "es_version": VERSION,
    "es_heap_size": "elasticsearch_heap",
    "es_config": ES_SETTINGS,
    "es_data_dirs": "elk_data_dir",
    "es_api_port": "elk_elasticsearch_port",
    "es_max_map_count": "host_tuning_max_map_count",
    "es_jvm_custom_parameters": "elasticsearch_jvm_options",
    "es_plugins": "elasticsearch_image, an image with these plugins",
    # geerlingguy.docker, geerlingguy.firewall
    "docker_users": "docker_engine_users",
    "docker_daemon_options": "docker_engine_daemon_options",
    "docker_edition": "docker_engine_source",
    "firewall_allowed_tcp_ports": "firewall_manage, which opens the platform's own ports",
    "firewall_allowed_udp_ports": "firewall_manage, which opens the platform's own ports",
    # atosatto.docker-swarm
    "docker_swarm_addr": "swarm_advertise_address",
    "docker_swarm_port": "swarm_listen_port",
    "docker_swarm_interface": "swarm_advertise_address",
    "docker_swarm_networks": "network_subnet",
    "docker_swarm_primary_manager": "elk_manager",
    "docker_admin_users": "docker_engine_users",
    "docker_daemon_config": "docker_engine_daemon_options",
}

# Beginnings that are everyday words: another role may well have a variable like these.
EVERYDAY = ("firewall_", "membership_", "network_", "reset_", "status_", "storage_", "volumes_")
