-- Which learners are in OneFile, in the MIS, or in both, and what to do about each in OneFile. Empty until
-- onefile_mis_learners names a table.
-- Needs: the streams assessors, classrooms, employers, iqas, learner_statuses, learners, observers, organisations,
-- placements and trainee_assessors.
-- Made from the models in examples/dbt/, which say what it means; docs/dbt.md explains them.
with staged_learners as (
select
    cast('tap_onefile' as TEXT) as customer,
    cast("ID" as bigint) as learner_id,
    nullif(cast("OrganisationID" as bigint), 0) as organisation_id,
    cast("Role" as bigint) as role,
    nullif(cast("Username" as TEXT), '') as username,
    nullif(cast("FirstName" as TEXT), '') as first_name,
    nullif(cast("LastName" as TEXT), '') as last_name,
    nullif(cast("Email" as TEXT), '') as email,
    nullif(cast("MISID" as TEXT), '') as misid,
    nullif(cast("Telephone" as TEXT), '') as telephone,
    nullif(cast("MobileNumber" as TEXT), '') as mobile_number,
    nullif(cast("HomeAddress" as TEXT), '') as home_address,
    nullif(cast("WorkAddress" as TEXT), '') as work_address,
    nullif(cast("CompanyName" as TEXT), '') as company_name,
    nullif(cast("Website" as TEXT), '') as website,
    nullif(cast("PlacementID" as bigint), 0) as placement_id,
    nullif(cast("ProviderID" as bigint), 0) as provider_id,
    case when cast("CreatedOn" as timestamp) >= cast('1901-01-01 00:00:00' as timestamp) then cast("CreatedOn" as timestamp) end as created_on,
    case when cast("LastModified" as timestamp) >= cast('1901-01-01 00:00:00' as timestamp) then cast("LastModified" as timestamp) end as last_modified,
    nullif(cast("ClassroomID" as bigint), 0) as classroom_id,
    nullif(cast("DefaultAssessorID" as bigint), 0) as assessor_id,
    nullif(cast("DefaultEmployerID" as bigint), 0) as employer_id,
    nullif(cast("LearnerStatusID" as bigint), 0) as status_id,
    nullif(cast("EpisodeName" as TEXT), '') as episode_name,
    case when cast("StartOn" as timestamp) >= cast('1901-01-01 00:00:00' as timestamp) then cast((cast("StartOn" as timestamp)) at time zone 'UTC' at time zone 'Europe/London' as date) end as started,
    case when cast("PlannedEndDate" as timestamp) >= cast('1901-01-01 00:00:00' as timestamp) then cast((cast("PlannedEndDate" as timestamp)) at time zone 'UTC' at time zone 'Europe/London' as date) end as planned_end,
    cast("Progress" as double precision) as progress,
    nullif(cast("CentreRegister" as TEXT), '') as centre_register,
    nullif(cast("ULN" as TEXT), '') as uln,
    nullif(cast("NINO" as TEXT), '') as nino,
    case when cast("DOB" as timestamp) >= cast('1901-01-01 00:00:00' as timestamp) then cast((cast("DOB" as timestamp)) at time zone 'UTC' at time zone 'Europe/London' as date) end as date_of_birth,
    case when cast("_sdc_batched_at" as timestamp) >= cast('1901-01-01 00:00:00' as timestamp) then cast("_sdc_batched_at" as timestamp) end as loaded_at,
    cast("_sdc_sync_started_at" as bigint) as run_started
from tap_onefile.learners
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
staged_learner_statuses as (
select
    cast('tap_onefile' as TEXT) as customer,
    cast("ID" as bigint) as status_id,
    cast("OrganisationID" as bigint) as organisation_id,
    nullif(cast("Name" as TEXT), '') as name,
    case when cast("_sdc_batched_at" as timestamp) >= cast('1901-01-01 00:00:00' as timestamp) then cast("_sdc_batched_at" as timestamp) end as loaded_at,
    cast("_sdc_sync_started_at" as bigint) as run_started
from tap_onefile.learner_statuses
where _sdc_deleted_at is null
),
staged_trainee_assessors as (
select
    cast('tap_onefile' as TEXT) as customer,
    cast("ID" as bigint) as trainee_assessor_id,
    nullif(cast("OrganisationID" as bigint), 0) as organisation_id,
    cast("Role" as bigint) as role,
    nullif(cast("Username" as TEXT), '') as username,
    nullif(cast("FirstName" as TEXT), '') as first_name,
    nullif(cast("LastName" as TEXT), '') as last_name,
    nullif(cast("Email" as TEXT), '') as email,
    nullif(cast("MISID" as TEXT), '') as misid,
    nullif(cast("Telephone" as TEXT), '') as telephone,
    nullif(cast("MobileNumber" as TEXT), '') as mobile_number,
    nullif(cast("HomeAddress" as TEXT), '') as home_address,
    nullif(cast("WorkAddress" as TEXT), '') as work_address,
    nullif(cast("CompanyName" as TEXT), '') as company_name,
    nullif(cast("Website" as TEXT), '') as website,
    nullif(cast("PlacementID" as bigint), 0) as placement_id,
    nullif(cast("ProviderID" as bigint), 0) as provider_id,
    case when cast("CreatedOn" as timestamp) >= cast('1901-01-01 00:00:00' as timestamp) then cast("CreatedOn" as timestamp) end as created_on,
    case when cast("LastModified" as timestamp) >= cast('1901-01-01 00:00:00' as timestamp) then cast("LastModified" as timestamp) end as last_modified,
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
    nullif(cast("Username" as TEXT), '') as username,
    nullif(cast("FirstName" as TEXT), '') as first_name,
    nullif(cast("LastName" as TEXT), '') as last_name,
    nullif(cast("Email" as TEXT), '') as email,
    nullif(cast("MISID" as TEXT), '') as misid,
    nullif(cast("Telephone" as TEXT), '') as telephone,
    nullif(cast("MobileNumber" as TEXT), '') as mobile_number,
    nullif(cast("HomeAddress" as TEXT), '') as home_address,
    nullif(cast("WorkAddress" as TEXT), '') as work_address,
    nullif(cast("CompanyName" as TEXT), '') as company_name,
    nullif(cast("Website" as TEXT), '') as website,
    nullif(cast("PlacementID" as bigint), 0) as placement_id,
    nullif(cast("ProviderID" as bigint), 0) as provider_id,
    case when cast("CreatedOn" as timestamp) >= cast('1901-01-01 00:00:00' as timestamp) then cast("CreatedOn" as timestamp) end as created_on,
    case when cast("LastModified" as timestamp) >= cast('1901-01-01 00:00:00' as timestamp) then cast("LastModified" as timestamp) end as last_modified,
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
    nullif(cast("Username" as TEXT), '') as username,
    nullif(cast("FirstName" as TEXT), '') as first_name,
    nullif(cast("LastName" as TEXT), '') as last_name,
    nullif(cast("Email" as TEXT), '') as email,
    nullif(cast("MISID" as TEXT), '') as misid,
    nullif(cast("Telephone" as TEXT), '') as telephone,
    nullif(cast("MobileNumber" as TEXT), '') as mobile_number,
    nullif(cast("HomeAddress" as TEXT), '') as home_address,
    nullif(cast("WorkAddress" as TEXT), '') as work_address,
    nullif(cast("CompanyName" as TEXT), '') as company_name,
    nullif(cast("Website" as TEXT), '') as website,
    nullif(cast("PlacementID" as bigint), 0) as placement_id,
    nullif(cast("ProviderID" as bigint), 0) as provider_id,
    case when cast("CreatedOn" as timestamp) >= cast('1901-01-01 00:00:00' as timestamp) then cast("CreatedOn" as timestamp) end as created_on,
    case when cast("LastModified" as timestamp) >= cast('1901-01-01 00:00:00' as timestamp) then cast("LastModified" as timestamp) end as last_modified,
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
    nullif(cast("Username" as TEXT), '') as username,
    nullif(cast("FirstName" as TEXT), '') as first_name,
    nullif(cast("LastName" as TEXT), '') as last_name,
    nullif(cast("Email" as TEXT), '') as email,
    nullif(cast("MISID" as TEXT), '') as misid,
    nullif(cast("Telephone" as TEXT), '') as telephone,
    nullif(cast("MobileNumber" as TEXT), '') as mobile_number,
    nullif(cast("HomeAddress" as TEXT), '') as home_address,
    nullif(cast("WorkAddress" as TEXT), '') as work_address,
    nullif(cast("CompanyName" as TEXT), '') as company_name,
    nullif(cast("Website" as TEXT), '') as website,
    nullif(cast("PlacementID" as bigint), 0) as placement_id,
    nullif(cast("ProviderID" as bigint), 0) as provider_id,
    case when cast("CreatedOn" as timestamp) >= cast('1901-01-01 00:00:00' as timestamp) then cast("CreatedOn" as timestamp) end as created_on,
    case when cast("LastModified" as timestamp) >= cast('1901-01-01 00:00:00' as timestamp) then cast("LastModified" as timestamp) end as last_modified,
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
    nullif(cast("Username" as TEXT), '') as username,
    nullif(cast("FirstName" as TEXT), '') as first_name,
    nullif(cast("LastName" as TEXT), '') as last_name,
    nullif(cast("Email" as TEXT), '') as email,
    nullif(cast("MISID" as TEXT), '') as misid,
    nullif(cast("Telephone" as TEXT), '') as telephone,
    nullif(cast("MobileNumber" as TEXT), '') as mobile_number,
    nullif(cast("HomeAddress" as TEXT), '') as home_address,
    nullif(cast("WorkAddress" as TEXT), '') as work_address,
    nullif(cast("CompanyName" as TEXT), '') as company_name,
    nullif(cast("Website" as TEXT), '') as website,
    nullif(cast("PlacementID" as bigint), 0) as placement_id,
    nullif(cast("ProviderID" as bigint), 0) as provider_id,
    case when cast("CreatedOn" as timestamp) >= cast('1901-01-01 00:00:00' as timestamp) then cast("CreatedOn" as timestamp) end as created_on,
    case when cast("LastModified" as timestamp) >= cast('1901-01-01 00:00:00' as timestamp) then cast("LastModified" as timestamp) end as last_modified,
    case when cast("_sdc_batched_at" as timestamp) >= cast('1901-01-01 00:00:00' as timestamp) then cast("_sdc_batched_at" as timestamp) end as loaded_at,
    cast("_sdc_sync_started_at" as bigint) as run_started
from tap_onefile.observers
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
    nullif(cast("MISID" as TEXT), '') as misid,
    nullif(cast("Address" as TEXT), '') as address,
    nullif(cast("Email" as TEXT), '') as email,
    nullif(cast("Telephone" as TEXT), '') as telephone,
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
    nullif(cast("MISID" as TEXT), '') as misid,
    case when cast("StartOn" as timestamp) >= cast('1901-01-01 00:00:00' as timestamp) then cast((cast("StartOn" as timestamp)) at time zone 'UTC' at time zone 'Europe/London' as date) end as started,
    "Archive" as archive,
    case when cast("_sdc_batched_at" as timestamp) >= cast('1901-01-01 00:00:00' as timestamp) then cast("_sdc_batched_at" as timestamp) end as loaded_at,
    cast("_sdc_sync_started_at" as bigint) as run_started
from tap_onefile.classrooms
where _sdc_deleted_at is null
),
all_presence as (
with everyone as (
select
    cast('tap_onefile' as TEXT) as customer,
    cast("ID" as bigint) as learner_id,
    nullif(cast("OrganisationID" as bigint), 0) as organisation_id,
    cast("Role" as bigint) as role,
    nullif(cast("Username" as TEXT), '') as username,
    nullif(cast("FirstName" as TEXT), '') as first_name,
    nullif(cast("LastName" as TEXT), '') as last_name,
    nullif(cast("Email" as TEXT), '') as email,
    nullif(cast("MISID" as TEXT), '') as misid,
    nullif(cast("Telephone" as TEXT), '') as telephone,
    nullif(cast("MobileNumber" as TEXT), '') as mobile_number,
    nullif(cast("HomeAddress" as TEXT), '') as home_address,
    nullif(cast("WorkAddress" as TEXT), '') as work_address,
    nullif(cast("CompanyName" as TEXT), '') as company_name,
    nullif(cast("Website" as TEXT), '') as website,
    nullif(cast("PlacementID" as bigint), 0) as placement_id,
    nullif(cast("ProviderID" as bigint), 0) as provider_id,
    case when cast("CreatedOn" as timestamp) >= cast('1901-01-01 00:00:00' as timestamp) then cast("CreatedOn" as timestamp) end as created_on,
    case when cast("LastModified" as timestamp) >= cast('1901-01-01 00:00:00' as timestamp) then cast("LastModified" as timestamp) end as last_modified,
    nullif(cast("ClassroomID" as bigint), 0) as classroom_id,
    nullif(cast("DefaultAssessorID" as bigint), 0) as assessor_id,
    nullif(cast("DefaultEmployerID" as bigint), 0) as employer_id,
    nullif(cast("LearnerStatusID" as bigint), 0) as status_id,
    nullif(cast("EpisodeName" as TEXT), '') as episode_name,
    case when cast("StartOn" as timestamp) >= cast('1901-01-01 00:00:00' as timestamp) then cast((cast("StartOn" as timestamp)) at time zone 'UTC' at time zone 'Europe/London' as date) end as started,
    case when cast("PlannedEndDate" as timestamp) >= cast('1901-01-01 00:00:00' as timestamp) then cast((cast("PlannedEndDate" as timestamp)) at time zone 'UTC' at time zone 'Europe/London' as date) end as planned_end,
    cast("Progress" as double precision) as progress,
    nullif(cast("CentreRegister" as TEXT), '') as centre_register,
    nullif(cast("ULN" as TEXT), '') as uln,
    nullif(cast("NINO" as TEXT), '') as nino,
    case when cast("DOB" as timestamp) >= cast('1901-01-01 00:00:00' as timestamp) then cast((cast("DOB" as timestamp)) at time zone 'UTC' at time zone 'Europe/London' as date) end as date_of_birth,
    case when cast("_sdc_batched_at" as timestamp) >= cast('1901-01-01 00:00:00' as timestamp) then cast("_sdc_batched_at" as timestamp) end as loaded_at,
    cast("_sdc_sync_started_at" as bigint) as run_started,
    case when cast("_sdc_deleted_at" as timestamp) >= cast('1901-01-01 00:00:00' as timestamp) then cast("_sdc_deleted_at" as timestamp) end as deleted_at
from tap_onefile.learners
),
runs as (
    select customer, max(run_started) as run_started, max(loaded_at) as loaded_at
    from everyone
    group by customer
),
organisation_runs as (
    select customer, max(run_started) as run_started, max(loaded_at) as loaded_at
    from staged_organisations
    group by customer
),
judged as (
    select
        everyone.*,
        organisations.name as organisation,
        everyone.deleted_at is null and (
            everyone.run_started < runs.run_started
            or (runs.run_started is null and everyone.loaded_at <
    runs.loaded_at + ((interval '1 hour') * (-12))
)
        ) as is_missing,
        -- Learners of organisations that the run left out cannot be judged.
        organisation_runs.customer is null or not (
            coalesce(organisations.run_started < organisation_runs.run_started, false)
            or coalesce(organisations.loaded_at <
    organisation_runs.loaded_at + ((interval '1 hour') * (-12))
, false)
        ) as was_looked_for
    from everyone
    inner join runs on everyone.customer = runs.customer
    left join organisation_runs on everyone.customer = organisation_runs.customer
    left join staged_organisations as organisations
        on everyone.customer = organisations.customer and everyone.organisation_id = organisations.organisation_id
),
counted as (
    select
        customer,
        count(case when deleted_at is null and was_looked_for then 1 end) as looked_for,
        count(case when is_missing and was_looked_for then 1 end) as missing,
        count(loaded_at) as dated
    from judged
    group by customer
),
answers as (
    select
        *,
        case
            when dated = 0 then 'The tables do not say when each row was loaded: add_metadata_columns of the loader is off.'
            when missing > greatest(5, 10 * looked_for / 100.0)
                then 'The last load was not a full one: it found '
                    || cast(looked_for - missing as TEXT) || ' of '
                    || cast(looked_for as TEXT) || ' learners again.'
        end as refusal
    from counted
)
select
    judged.customer,
    judged.learner_id,
    judged.first_name,
    judged.last_name,
    judged.misid,
    judged.organisation,
    judged.loaded_at,
    judged.deleted_at,
    answers.refusal,
    answers.refusal is null and coalesce(judged.is_missing, false) and judged.was_looked_for as is_gone
from judged
inner join answers on judged.customer = answers.customer
),
onefile_learners as (
with everyone as (
    select customer, learner_id, organisation_id, first_name, last_name, email, misid, uln, date_of_birth, episode_name, status_id, assessor_id, employer_id, placement_id, classroom_id, started, planned_end, progress, created_on, last_modified, loaded_at, run_started, false as is_archived from staged_learners
),
-- Whoever was archived after a load still stands among the others.
numbered as (
    select
        *,
        row_number() over (
            partition by customer, learner_id
            order by coalesce(run_started, 0) desc, loaded_at desc nulls last, is_archived desc
        ) as place
    from everyone
),
named as (
    select
        learners.*,
        nullif(trim(coalesce(learners.first_name, '') || ' ' || coalesce(learners.last_name, '')), '') as learner,
        organisations.name as organisation,
        statuses.name as status,
        assessors.name as assessor,
        employers.name as employer,
        placements.name as placement,
        classrooms.name as classroom,
        coalesce(lower(trim(statuses.name)) in ('break', 'break in learning', 'on break'), false) as on_break,
        coalesce(lower(trim(statuses.name)) in ('achieved', 'archive', 'archived', 'completed', 'failed', 'left', 'transferred', 'withdrawn'), false) or learners.is_archived or coalesce(presence.is_gone, false)
            as has_left,
        not learners.is_archived and coalesce(presence.is_gone, false) as is_gone
    from numbered as learners
    left join staged_organisations as organisations
        on learners.customer = organisations.customer and learners.organisation_id = organisations.organisation_id
    left join staged_learner_statuses as statuses
        on learners.customer = statuses.customer
        and learners.organisation_id = statuses.organisation_id
        and learners.status_id = statuses.status_id
    left join all_people as assessors
        on learners.customer = assessors.customer and learners.assessor_id = assessors.user_id
    left join all_people as employers
        on learners.customer = employers.customer and learners.employer_id = employers.user_id
    left join staged_placements as placements
        on learners.customer = placements.customer and learners.placement_id = placements.placement_id
    left join staged_classrooms as classrooms
        on learners.customer = classrooms.customer and learners.classroom_id = classrooms.classroom_id
    left join all_presence as presence
        on learners.customer = presence.customer and learners.learner_id = presence.learner_id
    where learners.place = 1
)
select
    customer, learner_id, learner, first_name, last_name, email, misid, uln, date_of_birth, organisation_id, organisation,
    status_id, status, not has_left and not on_break as in_learning, on_break and not has_left as on_break, is_archived, is_gone,
    episode_name, started, planned_end, round(cast(progress as numeric(28, 6)), 2) as progress, assessor_id, assessor, employer_id,
    employer, placement_id, placement, classroom_id, classroom, created_on, last_modified, loaded_at
from named
),
all_mis as (
with given as (
    select
        cast(null as TEXT) as customer,
        cast("misid" as TEXT) as misid,
        cast("uln" as TEXT) as uln,
        cast("email" as TEXT) as email,
        cast("name" as TEXT) as name,
        cast(null as date) as date_of_birth,
        cast(null as date) as started,
        cast(null as date) as planned_end,
        cast(null as TEXT) as employer,
        cast(null as TEXT) as status
    from mis.learners
)
select
    row_number() over (order by misid, uln, email, name) as mis_row,
    *,
    upper(nullif(replace(regexp_replace(misid, '[[:space:]]', '', 'g'), chr(160), ''), '')) as misid_key,
    case
        when length(regexp_replace(uln, '[^0-9]', '', 'g')) = 10 and regexp_replace(uln, '[^0-9]', '', 'g') <> '9999999999'
            then regexp_replace(uln, '[^0-9]', '', 'g')
    end as uln_key,
    lower(nullif(replace(regexp_replace(email, '[[:space:]]', '', 'g'), chr(160), ''), '')) as email_key
from given
), onefile as (
    select
        customer || ':' || cast(learner_id as TEXT) as onefile_key,
        customer, learner_id, organisation, learner, status, in_learning, misid,
        upper(nullif(replace(regexp_replace(misid, '[[:space:]]', '', 'g'), chr(160), ''), '')) as misid_key,
        case
        when length(regexp_replace(uln, '[^0-9]', '', 'g')) = 10 and regexp_replace(uln, '[^0-9]', '', 'g') <> '9999999999'
            then regexp_replace(uln, '[^0-9]', '', 'g')
    end as uln_key,
        lower(nullif(replace(regexp_replace(email, '[[:space:]]', '', 'g'), chr(160), ''), '')) as email_key
    from onefile_learners
    where not is_archived and not is_gone
        -- Without the table of the MIS nobody is missing in it.
        and true
        and organisation_id = coalesce(
            cast(null as bigint), organisation_id
        )
),
mis as (
    select * from all_mis
),
by_id as (
    select onefile.onefile_key, mis.mis_row, 'MISID' as matched_by
    from onefile
    inner join mis on onefile.misid_key = mis.misid_key and coalesce(mis.customer, onefile.customer) = onefile.customer
    union all
    select onefile.onefile_key, mis.mis_row, 'ULN'
    from onefile
    inner join mis on onefile.uln_key = mis.uln_key and coalesce(mis.customer, onefile.customer) = onefile.customer
    where not coalesce(onefile.misid_key = mis.misid_key, false)
),
-- People share addresses, so an e-mail address counts only between those whom no id matches to anybody.
candidates as (
    select * from by_id
    union all
    select onefile.onefile_key, mis.mis_row, 'email'
    from onefile
    inner join mis on onefile.email_key = mis.email_key and coalesce(mis.customer, onefile.customer) = onefile.customer
    where onefile.onefile_key not in (select by_id.onefile_key from by_id)
        and mis.mis_row not in (select by_id.mis_row from by_id)
),
pairs as (
    select
        *,
        count(*) over (partition by mis_row) as learners_in_onefile,
        count(*) over (partition by onefile_key) as learners_in_mis
    from candidates
),
doubled_in_onefile as (
    select customer, misid_key from onefile where misid_key is not null group by customer, misid_key having count(*) > 1
),
doubled_in_mis as (
    select misid_key from mis where misid_key is not null group by misid_key having count(*) > 1
)
select
    coalesce(onefile.customer, mis.customer) as customer,
    case
        when pairs.learners_in_onefile > 1 then 'Check: fits several learners in OneFile'
        when pairs.learners_in_mis > 1 then 'Check: fits several learners in the MIS'
        when twice_in_mis.misid_key is not null then 'Check: MISID is doubled in the MIS'
        when mis.mis_row is null and twice_in_onefile.misid_key is not null then 'Check: MISID is doubled in OneFile'
        when mis.mis_row is null then 'Find: only in OneFile'
        when mis.misid_key is null then 'Check: no MISID in the MIS'
        when onefile.onefile_key is null then 'Add: only in the MIS'
        when onefile.uln_key <> mis.uln_key then 'Check: ULNs differ'
        when onefile.misid_key <> mis.misid_key and pairs.matched_by = 'email' then 'Check: MISIDs differ'
        when onefile.misid_key is null then 'Set the MISID'
        when onefile.misid_key <> mis.misid_key then 'Change the MISID'
        when onefile.misid <> mis.misid then 'Spell the MISID as the MIS does'
        else 'In order'
    end as action,
    pairs.matched_by,
    onefile.learner_id,
    onefile.organisation,
    onefile.learner,
    onefile.status,
    onefile.in_learning,
    onefile.misid,
    mis.mis_row,
    mis.name as mis_name,
    mis.misid as mis_misid
from pairs
full join onefile on pairs.onefile_key = onefile.onefile_key
full join mis on pairs.mis_row = mis.mis_row
left join doubled_in_mis as twice_in_mis on mis.misid_key = twice_in_mis.misid_key
left join doubled_in_onefile as twice_in_onefile
    on onefile.misid_key = twice_in_onefile.misid_key and onefile.customer = twice_in_onefile.customer
ORDER BY action, learner_id, mis_misid, mis_name;
