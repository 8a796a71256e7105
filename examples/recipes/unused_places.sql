-- Placements and classrooms that are in use according to OneFile, but have no learner.
-- Needs: the streams assessors, classrooms, employers, iqas, learners, observers, organisations, placements and
-- trainee_assessors.
-- Made from the models in examples/dbt/, which say what it means; docs/dbt.md explains them.
with staged_learners as (
select
    cast('tap_onefile' as TEXT) as customer,
    cast("ID" as bigint) as learner_id,
    nullif(cast("OrganisationID" as bigint), 0) as organisation_id,
    cast("Role" as bigint) as role,
    nullif(cast("FirstName" as TEXT), '') as first_name,
    nullif(cast("LastName" as TEXT), '') as last_name,
    nullif(cast("Email" as TEXT), '') as email,
    nullif(cast("PlacementID" as bigint), 0) as placement_id,
    nullif(cast("ClassroomID" as bigint), 0) as classroom_id,
    nullif(cast("DefaultAssessorID" as bigint), 0) as assessor_id,
    nullif(cast("DefaultEmployerID" as bigint), 0) as employer_id,
    case when cast("_sdc_batched_at" as timestamp) >= cast('1901-01-01 00:00:00' as timestamp) then cast("_sdc_batched_at" as timestamp) end as loaded_at,
    cast("_sdc_sync_started_at" as bigint) as run_started
from tap_onefile.learners
where _sdc_deleted_at is null
),
staged_trainee_assessors as (
select
    cast('tap_onefile' as TEXT) as customer,
    cast("ID" as bigint) as trainee_assessor_id,
    nullif(cast("OrganisationID" as bigint), 0) as organisation_id,
    cast("Role" as bigint) as role,
    nullif(cast("FirstName" as TEXT), '') as first_name,
    nullif(cast("LastName" as TEXT), '') as last_name,
    nullif(cast("Email" as TEXT), '') as email,
    nullif(cast("PlacementID" as bigint), 0) as placement_id,
    case when cast("_sdc_batched_at" as timestamp) >= cast('1901-01-01 00:00:00' as timestamp) then cast("_sdc_batched_at" as timestamp) end as loaded_at,
    cast("_sdc_sync_started_at" as bigint) as run_started
from tap_onefile.trainee_assessors
where _sdc_deleted_at is null
),
staged_assessors as (
select
    cast('tap_onefile' as TEXT) as customer,
    cast("ID" as bigint) as assessor_id,
    nullif(cast("OrganisationID" as bigint), 0) as organisation_id,
    cast("Role" as bigint) as role,
    nullif(cast("FirstName" as TEXT), '') as first_name,
    nullif(cast("LastName" as TEXT), '') as last_name,
    nullif(cast("Email" as TEXT), '') as email,
    nullif(cast("PlacementID" as bigint), 0) as placement_id,
    case when cast("_sdc_batched_at" as timestamp) >= cast('1901-01-01 00:00:00' as timestamp) then cast("_sdc_batched_at" as timestamp) end as loaded_at,
    cast("_sdc_sync_started_at" as bigint) as run_started
from tap_onefile.assessors
where _sdc_deleted_at is null
),
staged_iqas as (
select
    cast('tap_onefile' as TEXT) as customer,
    cast("ID" as bigint) as iqa_id,
    nullif(cast("OrganisationID" as bigint), 0) as organisation_id,
    cast("Role" as bigint) as role,
    nullif(cast("FirstName" as TEXT), '') as first_name,
    nullif(cast("LastName" as TEXT), '') as last_name,
    nullif(cast("Email" as TEXT), '') as email,
    nullif(cast("PlacementID" as bigint), 0) as placement_id,
    case when cast("_sdc_batched_at" as timestamp) >= cast('1901-01-01 00:00:00' as timestamp) then cast("_sdc_batched_at" as timestamp) end as loaded_at,
    cast("_sdc_sync_started_at" as bigint) as run_started
from tap_onefile.iqas
where _sdc_deleted_at is null
),
staged_employers as (
select
    cast('tap_onefile' as TEXT) as customer,
    cast("ID" as bigint) as employer_id,
    nullif(cast("OrganisationID" as bigint), 0) as organisation_id,
    cast("Role" as bigint) as role,
    nullif(cast("FirstName" as TEXT), '') as first_name,
    nullif(cast("LastName" as TEXT), '') as last_name,
    nullif(cast("Email" as TEXT), '') as email,
    nullif(cast("PlacementID" as bigint), 0) as placement_id,
    case when cast("_sdc_batched_at" as timestamp) >= cast('1901-01-01 00:00:00' as timestamp) then cast("_sdc_batched_at" as timestamp) end as loaded_at,
    cast("_sdc_sync_started_at" as bigint) as run_started
from tap_onefile.employers
where _sdc_deleted_at is null
),
staged_observers as (
select
    cast('tap_onefile' as TEXT) as customer,
    cast("ID" as bigint) as observer_id,
    nullif(cast("OrganisationID" as bigint), 0) as organisation_id,
    cast("Role" as bigint) as role,
    nullif(cast("FirstName" as TEXT), '') as first_name,
    nullif(cast("LastName" as TEXT), '') as last_name,
    nullif(cast("Email" as TEXT), '') as email,
    nullif(cast("PlacementID" as bigint), 0) as placement_id,
    case when cast("_sdc_batched_at" as timestamp) >= cast('1901-01-01 00:00:00' as timestamp) then cast("_sdc_batched_at" as timestamp) end as loaded_at,
    cast("_sdc_sync_started_at" as bigint) as run_started
from tap_onefile.observers
where _sdc_deleted_at is null
),
staged_organisations as (
select
    cast('tap_onefile' as TEXT) as customer,
    cast("ID" as bigint) as organisation_id,
    nullif(cast("Name" as TEXT), '') as name,
    case when cast("_sdc_batched_at" as timestamp) >= cast('1901-01-01 00:00:00' as timestamp) then cast("_sdc_batched_at" as timestamp) end as loaded_at,
    cast("_sdc_sync_started_at" as bigint) as run_started
from tap_onefile.organisations
where _sdc_deleted_at is null
),
all_people as (
with everyone as (
    select
        customer, learner_id as user_id, organisation_id, role as role_id,
        'learner' as role,
        first_name, last_name, email, placement_id, loaded_at, run_started
    from staged_learners
    union all
    select
        customer, trainee_assessor_id as user_id, organisation_id, role as role_id,
        'trainee assessor' as role,
        first_name, last_name, email, placement_id, loaded_at, run_started
    from staged_trainee_assessors
    union all
    select
        customer, assessor_id as user_id, organisation_id, role as role_id,
        'assessor' as role,
        first_name, last_name, email, placement_id, loaded_at, run_started
    from staged_assessors
    union all
    select
        customer, iqa_id as user_id, organisation_id, role as role_id,
        'IQA' as role,
        first_name, last_name, email, placement_id, loaded_at, run_started
    from staged_iqas
    union all
    select
        customer, employer_id as user_id, organisation_id, role as role_id,
        'employer' as role,
        first_name, last_name, email, placement_id, loaded_at, run_started
    from staged_employers
    union all
    select
        customer, observer_id as user_id, organisation_id, role as role_id,
        'observer' as role,
        first_name, last_name, email, placement_id, loaded_at, run_started
    from staged_observers
),
-- Some have an account in several organisations, and whoever changed roles may still stand in the table of the old one.
numbered as (
    select
        *,
        row_number() over (
            partition by customer, user_id
            order by coalesce(run_started, 0) desc, loaded_at desc nulls last, role_id, organisation_id
        ) as place
    from everyone
)
select
    numbered.customer,
    numbered.user_id,
    numbered.organisation_id,
    organisations.name as organisation,
    numbered.role_id,
    numbered.role,
    nullif(trim(coalesce(numbered.first_name, '') || ' ' || coalesce(numbered.last_name, '')), '') as name,
    numbered.email,
    numbered.placement_id
from numbered
left join staged_organisations as organisations
    on numbered.customer = organisations.customer and numbered.organisation_id = organisations.organisation_id
where numbered.place = 1
),
staged_placements as (
select
    cast('tap_onefile' as TEXT) as customer,
    cast("ID" as bigint) as placement_id,
    nullif(cast("OrganisationID" as bigint), 0) as organisation_id,
    nullif(cast("Name" as TEXT), '') as name,
    "Active" as active,
    nullif(cast("Email" as TEXT), '') as email,
    case when cast("_sdc_batched_at" as timestamp) >= cast('1901-01-01 00:00:00' as timestamp) then cast("_sdc_batched_at" as timestamp) end as loaded_at,
    cast("_sdc_sync_started_at" as bigint) as run_started
from tap_onefile.placements
where _sdc_deleted_at is null
),
staged_classrooms as (
select
    cast('tap_onefile' as TEXT) as customer,
    cast("ID" as bigint) as classroom_id,
    nullif(cast("OrganisationID" as bigint), 0) as organisation_id,
    nullif(cast("Name" as TEXT), '') as name,
    "Archive" as archive,
    case when cast("_sdc_batched_at" as timestamp) >= cast('1901-01-01 00:00:00' as timestamp) then cast("_sdc_batched_at" as timestamp) end as loaded_at,
    cast("_sdc_sync_started_at" as bigint) as run_started
from tap_onefile.classrooms
where _sdc_deleted_at is null
), unused as (
    select
        placements.customer,
        'placement' as kind,
        placements.placement_id as id,
        placements.organisation_id,
        placements.name,
        (
            select count(*) from all_people as people
            where people.customer = placements.customer
                and people.placement_id = placements.placement_id
                and people.role_id in (40, 45)
        ) as other_people
    from staged_placements as placements
    where coalesce(placements.active, true)
        and not exists (
            select 1 from staged_learners as learners
            where learners.customer = placements.customer and learners.placement_id = placements.placement_id
        )
        and placements.customer in ('tap_onefile')
    union all
    select
        classrooms.customer,
        'classroom',
        classrooms.classroom_id,
        classrooms.organisation_id,
        classrooms.name,
        null
    from staged_classrooms as classrooms
    where not coalesce(classrooms.archive, false)
        and not exists (
            select 1 from staged_learners as learners
            where learners.customer = classrooms.customer and learners.classroom_id = classrooms.classroom_id
        )
        and classrooms.customer in ('tap_onefile')
)
select unused.customer, unused.kind, unused.id, unused.name, organisations.name as organisation, unused.other_people
from unused
left join staged_organisations as organisations
    on unused.customer = organisations.customer and unused.organisation_id = organisations.organisation_id
ORDER BY kind, id;
