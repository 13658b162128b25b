"""The EC2 calls take what the compiler writes (moto stands in for EC2; it does not weigh prefix lists)."""

import os
from unittest import mock

import boto3
import pytest
from moto import mock_aws

from tests.policy.compilers.test_golden import compiled

CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "practice",
    "AWS_SECRET_ACCESS_KEY": "practice",
    "AWS_DEFAULT_REGION": "eu-central-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}


@pytest.fixture
def ec2():
    with mock.patch.dict(os.environ, CREDENTIALS), mock_aws():
        yield boto3.client("ec2")


def with_list_ids(permission, lists):
    if "PrefixListIds" not in permission:
        return permission
    references = [
        {"PrefixListId": lists[one["PrefixListName"]], "Description": one["Description"]}
        for one in permission["PrefixListIds"]
    ]
    return permission | {"PrefixListIds": references}


def test_ec2_takes_every_rule_and_keeps_the_passports(ec2):
    objects = compiled("aws-security-group").objects
    lists = {}
    for item in (item for item in objects if item["kind"] == "ManagedPrefixList"):
        answer = ec2.create_managed_prefix_list(**item["spec"])
        lists[item["metadata"]["name"]] = answer["PrefixList"]["PrefixListId"]
    (groups,) = [item["spec"] for item in objects if item["kind"] == "SecurityGroups"]
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]

    for group in groups["groups"]:
        made = ec2.create_security_group(GroupName=group["GroupName"], Description="egress", VpcId=vpc)
        identity = made["GroupId"]
        everything = [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]
        ec2.revoke_security_group_egress(GroupId=identity, IpPermissions=everything)
        permissions = [with_list_ids(permission, lists) for permission in group["IpPermissions"]]
        ec2.authorize_security_group_egress(GroupId=identity, IpPermissions=permissions)

        rules = ec2.describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [identity]}])
        egress = [rule for rule in rules["SecurityGroupRules"] if rule["IsEgress"]]
        assert all(rule["Description"].startswith(("SP-", "sallyport")) for rule in egress)
        assert not [rule for rule in egress if rule.get("CidrIpv4") == "0.0.0.0/0"]
        assert len(egress) >= len(permissions)
