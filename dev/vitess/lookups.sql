-- The tables of the lookup vindexes of vschema.json: they say in which shard the row with this id or name is.
-- Keys and digests have their own lengths; no text of the platform that is looked up is longer than 512 characters.
create table deployment_shards (
  id varchar(512) not null,
  keyspace_id varbinary(128) not null,
  primary key (id)
) engine = innodb default charset = utf8mb4 collate = utf8mb4_bin;
create table deployment_name_shards (
  k8s_name varchar(512) not null,
  keyspace_id varbinary(128) not null,
  primary key (k8s_name)
) engine = innodb default charset = utf8mb4 collate = utf8mb4_bin;
create table environment_shards (
  id varchar(512) not null,
  keyspace_id varbinary(128) not null,
  primary key (id)
) engine = innodb default charset = utf8mb4 collate = utf8mb4_bin;
create table project_shards (
  id varchar(512) not null,
  keyspace_id varbinary(128) not null,
  primary key (id)
) engine = innodb default charset = utf8mb4 collate = utf8mb4_bin;
create table route_shards (
  id varchar(512) not null,
  keyspace_id varbinary(128) not null,
  primary key (id)
) engine = innodb default charset = utf8mb4 collate = utf8mb4_bin;
create table route_name_shards (
  hostname varchar(512) not null,
  keyspace_id varbinary(128) not null,
  primary key (hostname)
) engine = innodb default charset = utf8mb4 collate = utf8mb4_bin;
create table sentinel_shards (
  id varchar(512) not null,
  keyspace_id varbinary(128) not null,
  primary key (id)
) engine = innodb default charset = utf8mb4 collate = utf8mb4_bin;
create table sentinel_name_shards (
  k8s_name varchar(512) not null,
  keyspace_id varbinary(128) not null,
  primary key (k8s_name)
) engine = innodb default charset = utf8mb4 collate = utf8mb4_bin;
create table sentinel_token_shards (
  token_hash varchar(512) not null,
  keyspace_id varbinary(128) not null,
  primary key (token_hash)
) engine = innodb default charset = utf8mb4 collate = utf8mb4_bin;
create table root_key_shards (
  hash varchar(512) not null,
  keyspace_id varbinary(128) not null,
  primary key (hash)
) engine = innodb default charset = utf8mb4 collate = utf8mb4_bin;
create table workspace_slug_shards (
  slug varchar(512) not null,
  keyspace_id varbinary(128) not null,
  primary key (slug)
) engine = innodb default charset = utf8mb4 collate = utf8mb4_bin;
create table pack_shards (
  id varchar(512) not null,
  keyspace_id varbinary(128) not null,
  primary key (id)
) engine = innodb default charset = utf8mb4 collate = utf8mb4_bin;
create table context_shards (
  id varchar(512) not null,
  keyspace_id varbinary(128) not null,
  primary key (id)
) engine = innodb default charset = utf8mb4 collate = utf8mb4_bin;
create table upload_shards (
  object_key varchar(512) not null,
  keyspace_id varbinary(128) not null,
  primary key (object_key)
) engine = innodb default charset = utf8mb4 collate = utf8mb4_bin;
create table custom_domain_shards (
  id varchar(512) not null,
  keyspace_id varbinary(128) not null,
  primary key (id)
) engine = innodb default charset = utf8mb4 collate = utf8mb4_bin;
create table certificate_shards (
  id varchar(512) not null,
  keyspace_id varbinary(128) not null,
  primary key (id)
) engine = innodb default charset = utf8mb4 collate = utf8mb4_bin;
create table data_key_shards (
  id varchar(512) not null,
  keyspace_id varbinary(128) not null,
  primary key (id)
) engine = innodb default charset = utf8mb4 collate = utf8mb4_bin;
-- A pod or container may have its name in several regions.
create table instance_shards (
  k8s_name varchar(255) not null,
  keyspace_id varbinary(128) not null,
  primary key (k8s_name, keyspace_id)
) engine = innodb default charset = utf8mb4 collate = utf8mb4_bin;
